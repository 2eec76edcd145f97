"""The webhook endpoint, the hottest path: check the signature, keep the bytes, 200.

Decisions 0053, 0156, 0164 and 0179. See docs/contracts/whatsapp-cloud-api.md#deliveries and
docs/contracts/whatsapp-cloud-api.md#signature.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache, partial

from starlette.types import Receive, Scope, Send

from ava_common.fast_path import NOTHING_TO_SAY, UsualRequest, send_answer
from ava_common.problems import Problem
from ava_common.tracing import current_trace
from ava_whatsapp_gateway.metrics import DELIVERIES
from ava_whatsapp_gateway.webhook.resources import Resources

_keyed = lru_cache(16)(partial(hmac.new, digestmod=hashlib.sha256))
"""HMAC that has hashed this secret already: that takes as long as hashing a body."""


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


def accept(request: UsualRequest) -> "asyncio.Future[None]":
    """Stores a signed delivery durably before it is acknowledged; its content is handled afterwards.

    The answer has no content: Meta reads the status only.
    """
    resources: Resources = request.state["resources"]
    if resources.inbox.is_full:  # before anything is checked: refusing has to be cheap
        DELIVERIES.labels("refused").inc()
        raise TooManyDeliveries
    if len(request.body) > resources.settings.body_limit_bytes:
        raise _too_large()
    signatures = [value for name, value in request.headers if name == b"x-hub-signature-256"]
    if len(signatures) != 1 or not is_genuine(signatures[0], request.body, resources.app_secrets):
        DELIVERIES.labels("not_genuine").inc()
        raise NotGenuine
    return resources.inbox.keep(request.body, " ".join(current_trace()))


async def deliver(scope: Scope, receive: Receive, send: Send) -> None:
    """Stores a signed delivery durably and answers 200; its content is handled afterwards."""
    resources: Resources = scope["state"]["resources"]
    try:
        # Into a full inbox nothing is read before it is refused.
        body = b"" if resources.inbox.is_full else await _read(receive, resources.settings.body_limit_bytes)
    except ClientDisconnected:
        return
    await accept(UsualRequest(scope["path"], scope["query_string"], scope["headers"], body, scope["state"]))
    await send_answer(send, NOTHING_TO_SAY)


def _too_large() -> Problem:
    DELIVERIES.labels("too_large").inc()
    return DeliveryTooLarge()


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
            raise _too_large()
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
