"""Whether Meta knows our number and accepts our token: asked at the start, before a message needs it.

Decision 0148. See docs/contracts/whatsapp-cloud-api.md#asking-about-a-number.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from ava_common.health import Finding, degraded
from ava_common.http_client import open_client
from ava_whatsapp_gateway.cloud_api.client import ask_about_number
from ava_whatsapp_gateway.cloud_api.lenient_json import find
from ava_whatsapp_gateway.settings import Settings

SCOPE = "whatsapp_business_messaging"
ASKED_AGAIN_SECONDS = 600.0
"""While Meta accepts the token; once it refuses, as often as an open circuit is probed."""
FIRST_ANSWER_SECONDS = 1.0


def refusal(code: object) -> str | None:
    """What a code of Graph's says about our token or number, after "Meta", by variable; None if nothing."""
    if code in (0, 102, 190):
        return "refuses WHATSAPP_GATEWAY_ACCESS_TOKEN: it has expired or was revoked, so make a new one"
    if code == 100:
        return (
            "does not know WHATSAPP_GATEWAY_PHONE_NUMBER_ID, or the token's system user may not use it: "
            "copy the id (not the number) from WhatsApp > API setup, and assign the account to the user"
        )
    if code == 10 or (isinstance(code, int) and 200 <= code < 300):
        return (
            "says that WHATSAPP_GATEWAY_ACCESS_TOKEN lacks a permission: "
            f"make one with {SCOPE} and whatsapp_business_management"
        )
    return None


class NumberReadiness:
    """What Meta last said about the number; nothing until it is asked, nor when it does not answer."""

    def __init__(self, client: httpx.AsyncClient, settings: Settings) -> None:
        self._client, self._settings = client, settings
        self._words: str | None = None
        self._asked = asyncio.Event()

    async def findings(self) -> list[Finding]:
        """What is wrong with the number; the first answer is waited for, so that a start tells it."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), FIRST_ANSWER_SECONDS)
        return [degraded("meta", f"Meta {self._words}. Messages are kept meanwhile")] if self._words else []

    async def ask_forever(self) -> None:
        while True:
            await self._ask()
            self._asked.set()
            await asyncio.sleep(self._settings.probe_seconds if self._words else ASKED_AGAIN_SECONDS)

    async def _ask(self) -> None:
        path = f"/{self._settings.graph_api_version}/{self._settings.phone_number_id}"
        answer = await ask_about_number(self._client, path, self._settings.graph_timeout_seconds)
        if answer is None:
            return  # that Graph is away is found out by sending
        words = refusal(find(answer, "error", "code"))
        if words or "error" not in answer:
            self._words = words  # another error says nothing about the token


@asynccontextmanager
async def open_number_readiness(settings: Settings) -> AsyncIterator[NumberReadiness]:
    """Asked beside the work, on a connection of its own."""
    bearer = {"Authorization": f"Bearer {settings.access_token.get_secret_value()}"}
    url, seconds = settings.graph_api_url, settings.graph_timeout_seconds
    async with open_client(url, timeout_seconds=seconds, headers=bearer, trust_env=False) as client:
        readiness = NumberReadiness(client, settings)
        asking = asyncio.create_task(readiness.ask_forever())
        try:
            yield readiness
        finally:
            asking.cancel()
