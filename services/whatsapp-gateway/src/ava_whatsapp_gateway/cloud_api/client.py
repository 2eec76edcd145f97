"""The client of the Graph API: sends one text and says whether it was accepted, not sent, or unknown.

Decisions 0051, 0105 and 0107. See docs/contracts/whatsapp-cloud-api.md#sending and
docs/contracts/whatsapp-cloud-api.md#what-a-response-proves.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from ava_common.http_client import retry_after_seconds
from ava_whatsapp_gateway.cloud_api.errors import Verdict, verdict
from ava_whatsapp_gateway.cloud_api.lenient_json import Json, find, integer, text

TOO_LATE = "the lease was over before the call"
_RESPONSE_LIMIT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta has it under this wamid; `alias` is what it calls the number."""

    wamid: str
    alias: str | None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Provably not accepted. `answered`: Graph said so, in a document of its own, perhaps with a `code`."""

    verdict: Verdict
    code: int | None
    detail: str
    retry_after_seconds: float | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been accepted; only a status with our id can tell."""

    why: str


Outcome = Accepted | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class TextMessage:
    """What to send and to whom: digits when known (Meta prefers them too), else the business-scoped id."""

    id: UUID
    digits: str | None
    bsuid: str | None
    body: str


class _TooLate(Exception):
    """The lease was over: another worker may have this lane by now."""


class _TooLong(Exception):
    """A response larger than any of Graph's."""


async def send_text(
    client: httpx.AsyncClient, path: str, message: TextMessage, timeout_seconds: float, latest: float
) -> Outcome:
    """One call, never repeated here. `path` is /{version}/{phone number id}/messages.

    Over after `timeout_seconds` in all: the client's own timeouts are for one step each, and an answer that
    comes byte by byte would outlast the lease. Not made at all after `latest`, by the event loop's clock.
    Only what has left this machine can be unknown.
    """
    payload = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"to": message.digits} if message.digits else {"recipient": message.bsuid}),
        "type": "text",
        "text": {"body": message.body, "preview_url": False},
        "biz_opaque_callback_data": str(message.id),
    }
    left = False

    async def depart(step: str, _: Any) -> None:
        """httpx calls this before and after each step of a request."""
        nonlocal left
        if step.endswith(("send_request_headers.started", "send_request_body.started")):
            if asyncio.get_running_loop().time() > latest:
                raise _TooLate
            left = step.endswith("body.started")  # without its body nothing can be accepted

    try:
        async with asyncio.timeout(timeout_seconds):
            return _read(*await _ask(client, "POST", path, json=payload, extensions={"trace": depart}))
    except _TooLate:
        return NotSent(Verdict.TRANSIENT, None, TOO_LATE)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, _TooLong) as error:
        why = "no complete answer in time" if isinstance(error, TimeoutError) else type(error).__name__
        return Unknown(why) if left else NotSent(Verdict.TRANSIENT, None, why)


async def ask_about_number(client: httpx.AsyncClient, path: str, timeout_seconds: float) -> Json | None:
    """What Graph says about a number: its document, or one with Graph's own `error`; None if it is away.

    `path` is /{version}/{phone number id}.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            response, body = await _ask(client, "GET", path, params={"fields": "id"})
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, _TooLong):
        return None
    if error := _graphs_error(response, body):
        return {"error": error}
    return body if response.is_success and find(body, "id") else None


async def _ask(
    client: httpx.AsyncClient, method: str, path: str, **options: Any
) -> tuple[httpx.Response, Any]:
    """The response and its JSON, None when it has none. Raises _TooLong for one that does not end."""
    body = bytearray()
    async with client.stream(method, path, **options) as response:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _RESPONSE_LIMIT_BYTES:
                raise _TooLong
    try:
        return response, json.loads(body)
    except (ValueError, RecursionError):
        return response, None


def _read(response: httpx.Response, body: Any) -> Outcome:
    if response.is_success:
        wamid = text(find(body, "messages", 0, "id"), 256)
        alias = text(find(body, "contacts", 0, "wa_id"), 20)
        return Accepted(wamid, alias or None) if wamid else Unknown("accepted without an id")
    if error := _graphs_error(response, body):
        return _not_sent(error, response)
    if response.status_code == 429:
        return NotSent(Verdict.NUMBER, None, "429", retry_after_seconds(response))
    return Unknown(f"{response.status_code} without an error document")


def _graphs_error(response: httpx.Response, body: Any) -> Json | None:
    """The error in a document of Graph's own; None for one of something in between.

    Load balancers and gateways write `error` as well: without a code, or with the HTTP status as the code.
    """
    error = find(body, "error")
    code = integer(find(error, "code"))
    if code is None or code < 0 or code == response.status_code:
        return None
    return {**error, "code": code}


def _not_sent(error: Json, response: httpx.Response) -> NotSent:
    details = text(find(error, "error_data", "details") or error.get("message"), 300)
    transient = error.get("is_transient") is True
    judged = verdict(error["code"], integer(error.get("error_subcode")), transient=transient)
    return NotSent(judged, error["code"], details, retry_after_seconds(response), answered=True)
