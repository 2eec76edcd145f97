"""The one thing on the hot path, plain ASGI: is it genuine? keep the bytes, say thanks."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.types import Receive, Scope, Send

from ava_common.log import log
from ava_common.problems import DatabaseAway, Problem
from ava_common.tracing import request_id, traceparent
from ava_whatsapp_gateway.metrics import DELIVERIES
from ava_whatsapp_gateway.signature import is_genuine

_THANKS: list[dict[str, Any]] = [
    {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"2")],
    },
    {"type": "http.response.body", "body": b"ok"},
]


class NotGenuine(Problem):
    """This delivery is not signed with our app's secret. Sign the raw body, see X-Hub-Signature-256."""

    status = 403


class DeliveryTooLarge(Problem):
    """This delivery is larger than any that Meta sends. Send fewer updates at once."""

    status = 413


class SenderLeft(Exception):
    """The connection closed before the whole body had come."""


class Door:
    """ASGI endpoint of POST /webhooks/whatsapp; raises problems, the room's handlers write them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        settings = state["settings"]
        try:
            body = await _read(receive, settings.body_limit)
        except SenderLeft:
            return
        if not is_genuine(_signature(scope), body, state["secrets"]):
            DELIVERIES.labels("not_genuine").inc()
            raise NotGenuine
        try:
            new = await state["inbox"].keep(body, f"{traceparent()} {request_id()}")
        except Exception as error:  # whatever it is: what is not kept is not acknowledged
            DELIVERIES.labels("database_away").inc()
            log.warning("delivery.not_kept", error=type(error).__name__)
            raise DatabaseAway from None
        DELIVERIES.labels("kept" if new else "duplicate").inc()
        for message in _THANKS:
            await send(message)


async def _read(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in _chunks(receive):
        size += len(chunk)
        if size > limit:
            DELIVERIES.labels("too_large").inc()
            raise DeliveryTooLarge
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderLeft
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _signature(scope: Scope) -> bytes:
    """The header's raw bytes; sent twice it is no signature."""
    found = [value for name, value in scope["headers"] if name == b"x-hub-signature-256"]
    return bytes(found[0]) if len(found) == 1 else b""
