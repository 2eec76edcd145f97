"""`check` looks at what may answer instead of the echo: the answerer, Ollama, the image generator."""

from typing import Any

import pytest

from ava_common.checks import Check
from ava_local.ports import free_port
from ava_whatsapp_gateway.check_answerer import answering_checks

from .conftest import MakeSettings
from .fake_peers import Answer, serving

SECRET = "a-secret-of-the-answerer-alone"


async def checked(settings: MakeSettings, variable: str, answer: Answer | None) -> tuple[Check, list[Any]]:
    """What is said of a server that gives this answer, or of none; and what it was asked."""
    asked: list[Any] = []

    async def answering(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        asked.append((f"{method} {path}", headers.get("authorization", ""), body))
        assert answer
        return answer

    async with serving(answering) as url:
        given = {variable: url if answer else f"http://127.0.0.1:{free_port()}", "answer_secret": SECRET}
        (found,) = await answering_checks(settings(**given))
    return found, asked


@pytest.mark.parametrize(
    ("variable", "answer", "result", "words"),
    [
        ("answer_url", (422, {"type": "about:blank"}), "ok", "responds"),
        ("answer_url", (401, {}), "refused", "does not accept WHATSAPP_GATEWAY_ANSWER_SECRET"),
        ("answer_url", (403, {}), "refused", "does not accept WHATSAPP_GATEWAY_ANSWER_SECRET"),
        ("answer_url", (404, b"<html>"), "refused", "has no POST /answers"),
        ("answer_url", (302, b""), "refused", "has no POST /answers"),
        ("answer_url", None, "note", "does not respond"),
        ("ollama_url", (200, {"version": "0.12.6"}), "ok", "Ollama 0.12.6"),
        ("ollama_url", (200, b"<html>Welcome"), "refused", "is not Ollama"),
        ("ollama_url", (200, []), "refused", "is not Ollama"),
        ("ollama_url", (404, {}), "refused", "is not Ollama"),
        ("ollama_url", None, "note", "does not respond"),
        ("image_generation_url", (404, {}), "ok", "responds"),
        ("image_generation_url", None, "note", "does not respond"),
    ],
)
async def test_what_is_set_is_asked(
    settings: MakeSettings, variable: str, answer: Answer | None, result: str, words: str
) -> None:
    found, _ = await checked(settings, variable, answer)
    assert (found.result, words in found.detail) == (result, True), found
    assert variable.upper() in found.name
    assert SECRET not in found.detail


async def test_the_question_costs_no_thought_and_carries_the_secret_to_the_answerer_alone(
    settings: MakeSettings,
) -> None:
    _, asked = await checked(settings, "answer_url", (422, {}))
    assert asked == [("POST /answers", f"Bearer {SECRET}", b"{}")]
    _, asked = await checked(settings, "ollama_url", (200, {"version": "1"}))
    assert asked == [("GET /api/version", "", b"")]


async def test_what_is_not_set_is_not_asked(settings: MakeSettings) -> None:
    assert await answering_checks(settings()) == []
