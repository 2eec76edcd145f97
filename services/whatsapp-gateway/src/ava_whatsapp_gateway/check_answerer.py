"""The part of `check` about what may answer instead of the echo: the answerer, Ollama, the image generator.

Decisions 0120 and 0143.
"""

from uuid import uuid4

import httpx

from ava_common import checks
from ava_common.checks import Check
from ava_whatsapp_gateway.settings import Settings

_AWAY = "does not respond: start it, or check the address"


async def answering_checks(settings: Settings) -> list[Check]:
    """One for each of the three that is set; one that is not started yet is only a note."""
    found = []
    if settings.answer_url and settings.answer_secret:
        found.append(await _answerer(settings.answer_url, settings.answer_secret.get_secret_value()))
    if settings.ollama_url:
        found.append(await _ollama(settings.ollama_url))
    if settings.image_generation_url:
        found.append(await _image_generator(settings.image_generation_url))
    return found


async def _answerer(url: str, secret: str) -> Check:
    """An empty question: one that checks the secret first refuses it for that, and nothing thinks."""
    variable, key = "WHATSAPP_GATEWAY_ANSWER_URL", str(uuid4())
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
    try:
        async with checks.client(url) as http:
            answer = await http.post("/answers", json={}, headers=headers)
    except httpx.HTTPError:
        return checks.note(variable, f"{url} {_AWAY}")
    if answer.status_code in (401, 403):
        return checks.refused(variable, f"{url} does not accept WHATSAPP_GATEWAY_ANSWER_SECRET")
    if answer.status_code in (404, 405) or answer.is_redirect:
        return checks.refused(variable, f"{url} has no POST /answers: check the address")
    return checks.ok(variable, f"{url} responds")


async def _ollama(url: str) -> Check:
    try:
        async with checks.client(url) as http:
            answer = await http.get("/api/version")
        version = answer.json()["version"] if answer.is_success else None
    except httpx.HTTPError:
        return checks.note("OLLAMA_URL", f"{url} {_AWAY}")
    except (ValueError, LookupError, TypeError):
        version = None
    if not isinstance(version, str):
        return checks.refused("OLLAMA_URL", f"{url} is not Ollama: it tells no version at /api/version")
    return checks.ok("OLLAMA_URL", f"Ollama {version[:40]}")


async def _image_generator(url: str) -> Check:
    """Which one it will be is open, so that it responds is all that can be asked."""
    try:
        async with checks.client(url) as http:
            await http.get("/")
    except httpx.HTTPError:
        return checks.note("IMAGE_GENERATION_URL", f"{url} {_AWAY}")
    return checks.ok("IMAGE_GENERATION_URL", f"{url} responds")
