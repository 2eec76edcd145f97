"""The answerer that is a service of its own: `POST /answers`, as docs/contracts/answerer.openapi.json says.

Decisions 0143, 0145 and 0153.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import httpx

from ava_common.http_client import open_client, retry_after_seconds
from ava_whatsapp_gateway.handling.answerer import (
    Answer,
    Answerer,
    AnswererAway,
    AnswerRefused,
    Context,
    Echo,
)
from ava_whatsapp_gateway.peers.messaging import Turn
from ava_whatsapp_gateway.settings import Settings

_RESPONSE_LIMIT_BYTES = 1024 * 1024
_NOT_COMPRESSED = {"Accept-Encoding": "identity"}
"""So that the limit of a response is one of what is read."""
_BUSY = (429, 502, 503, 504)
_REFUSED = (401, 403)
_ELSEWHERE = (301, 302, 303, 307, 308, 404, 405)
"""What says that nobody gets an answer at this moment; any other failure may be this message's alone."""


class HttpAnswerer:
    """Asks the service behind `client`, which carries its shared secret; no token of a user goes there."""

    thinks = True

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def answer(self, turn: Turn, context: Context) -> Answer | None:
        """Its answer, None for silence. Raises AnswererAway, or AnswerRefused for a 422 of its own."""
        headers = {"Idempotency-Key": context.idempotency_key}
        question, body = _question(turn, context), bytearray()
        try:
            async with self._client.stream("POST", "/answers", json=question, headers=headers) as response:
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > _RESPONSE_LIMIT_BYTES:
                        raise AnswererAway("a response that does not end")
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise AnswererAway("it cannot be reached", shared=True) from None
        except httpx.HTTPError as error:
            raise AnswererAway(type(error).__name__) from None
        return _read(response, bytes(body))


@asynccontextmanager
async def open_answerer(settings: Settings) -> AsyncIterator[Answerer]:
    """The answerer that the settings name: a service, or the echo."""
    if settings.answer_url is None or settings.answer_secret is None:
        yield Echo()
        return
    # A connection for each question: one that is answered twice would answer the next person's with the rest.
    limits = httpx.Limits(max_connections=settings.answer_concurrency, max_keepalive_connections=0)
    bearer = f"Bearer {settings.answer_secret.get_secret_value()}"
    async with open_client(
        settings.answer_url,
        timeout_seconds=settings.answer_timeout_seconds,
        limits=limits,
        headers={"Authorization": bearer, **_NOT_COMPRESSED},
        trust_env=False,
    ) as client:
        client.timeout = httpx.Timeout(settings.answer_timeout_seconds, connect=settings.peer_timeout_seconds)
        yield HttpAnswerer(client)


def _question(turn: Turn, context: Context) -> dict[str, Any]:
    return {
        "turn": {
            "id": str(turn.id),
            "user_id": str(turn.user_id),
            "channel": "whatsapp",
            "kind": turn.kind,
            "text": turn.words,
            "sent_at": turn.sent_at.isoformat(),
            "media": [asdict(file) for file in context.media],
            "replies_to": asdict(context.replies_to) if context.replies_to else None,
        },
        "avatar": asdict(context.avatar) if context.avatar else None,
        "history": [asdict(earlier) for earlier in context.history],
        "deadline": context.deadline.isoformat() if context.deadline else None,
    }


def _why(status: int) -> str:
    """In words, with the variable where that is wrong."""
    if status in _REFUSED:
        return f"it refuses WHATSAPP_GATEWAY_ANSWER_SECRET ({status})"
    if status in _ELSEWHERE:
        return f"WHATSAPP_GATEWAY_ANSWER_URL leads to something else ({status})"
    return str(status)


def _read(response: httpx.Response, body: bytes) -> Answer | None:
    status, kind = response.status_code, response.headers.get("content-type", "").partition(";")[0].strip()
    if status == 204:
        return None
    if status == 422 and kind == "application/problem+json":
        raise AnswerRefused("422")
    if status != 200:
        shared = status in _BUSY + _REFUSED + _ELSEWHERE
        raise AnswererAway(_why(status), retry_after_seconds(response), shared=shared)
    try:
        answered = json.loads(body)["text"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise AnswererAway("200 without a text") from None
    if not isinstance(answered, str):
        raise AnswererAway("200 without a text")
    return Answer(answered)
