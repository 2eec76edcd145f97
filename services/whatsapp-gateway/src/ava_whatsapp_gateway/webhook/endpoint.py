"""The webhook endpoint, plain ASGI because it is the hot path: check the signature, keep the bytes, 200.

Decisions 0053, 0156 and 0164. See docs/contracts/whatsapp-cloud-api.md#deliveries and
docs/contracts/whatsapp-cloud-api.md#signature.
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from starlette.types import Receive, Scope, Send

from ava_common.log import log
from ava_common.problems import DatabaseAway, Problem
from ava_common.tracing import current_trace
from ava_whatsapp_gateway.metrics import DELIVERIES
from ava_whatsapp_gateway.webhook.resources import Resources

_keyed = lru_cache(16)(partial(hmac.new, digestmod=hashlib.sha256))
"""HMAC that has hashed this secret already: that takes as long as hashing a body."""

# Without content: a server sends head and body as two packets, and Meta reads the status only.
_OK: list[dict[str, Any]] = [
    {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")],
    },
    {"type": "http.response.body", "body": b""},
]


class NotGenuine(Problem):
    """This delivery is not signed with our app's secret. Sign the raw body, see X-Hub-Signature-256."""

    status = 403


class DeliveryTooLarge(Problem):
    """This delivery is larger than any that Meta sends. Send fewer updates at once."""

    status = 413


class TooManyDeliveries(Problem):
    """Too many deliveries are waiting to be stored. Send this one again in a moment."""

    status = 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class ClientDisconnected(Exception):
    """The connection closed before the whole body had arrived."""


async def deliver(scope: Scope, receive: Receive, send: Send) -> None:
    """Stores a signed delivery durably and answers 200; its content is handled afterwards."""
    resources: Resources = scope["state"]["resources"]
    if resources.inbox.is_full:  # before anything is read or checked: refusing has to be cheap
        DELIVERIES.labels("refused").inc()
        raise TooManyDeliveries
    try:
        body = await _read(receive, resources.settings.body_limit_bytes)
    except ClientDisconnected:
        return
    signatures = [value for name, value in scope["headers"] if name == b"x-hub-signature-256"]
    if len(signatures) != 1 or not is_genuine(signatures[0], body, resources.app_secrets):
        DELIVERIES.labels("not_genuine").inc()
        raise NotGenuine
    try:
        await resources.inbox.keep(body, " ".join(current_trace()))
    except Exception as error:  # whatever it is: what is not stored is not acknowledged
        DELIVERIES.labels("database_away").inc()
        log.warning("delivery.not_kept", error=type(error).__name__)
        raise DatabaseAway from None
    for message in _OK:
        await send(message)


def is_genuine(header: bytes, body: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether `X-Hub-Signature-256` (as raw bytes) signs exactly this body with one of the secrets.

    Several secrets are a rotation. Anything but `sha256=` and 64 lower-case hex digits is not genuine. Bytes
    are compared with bytes: comparing strings would raise for a header that is not ASCII.
    """
    for secret in secrets:
        signature = _keyed(secret).copy()
        signature.update(body)
        if hmac.compare_digest(header, b"sha256=" + signature.hexdigest().encode()):
            return True
    return False


async def _read(receive: Receive, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit_bytes:
            DELIVERIES.labels("too_large").inc()
            raise DeliveryTooLarge
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
