"""The echo, and when it is silent."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ava_whatsapp_gateway.handling.answerer import NO_CONTEXT, Answer, Echo
from ava_whatsapp_gateway.peers.messaging import Turn


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [("text", "hello", "hello"), ("unsupported", "[a message]", None), ("text", " ", None)],
)
async def test_the_echo_repeats_what_was_said_or_stays_silent(
    kind: str, words: str, expected: str | None
) -> None:
    turn = Turn(uuid4(), uuid4(), None, "user", kind, words, datetime.now(UTC), "wamid.1")
    assert await Echo().answer(turn, NO_CONTEXT) == (Answer(expected) if expected else None)
