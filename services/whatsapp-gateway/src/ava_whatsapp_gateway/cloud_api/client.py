"""The client of the Graph API: sends one text and says whether it was accepted, not sent, or unknown.

Decision 0051. See docs/contracts/whatsapp-cloud-api.md#sending and
docs/contracts/whatsapp-cloud-api.md#what-a-response-proves.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from ava_common.http_client import retry_after_seconds
from ava_whatsapp_gateway.cloud_api.errors import Verdict, verdict
from ava_whatsapp_gateway.cloud_api.lenient_json import find, text

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta has it under this wamid; `alias` is what it calls the number."""

    wamid: str
    alias: str | None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Provably not accepted. `code` is Graph's, None when Graph was not reached."""

    verdict: Verdict
    code: int | None
    detail: str
    retry_after_seconds: float | None = None


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


async def send_text(
    client: httpx.AsyncClient, path: str, message: TextMessage, timeout_seconds: float
) -> Outcome:
    """One call, never repeated here. `path` is /{version}/{phone number id}/messages.

    Over after `timeout_seconds` in all: the client's own timeouts are for one step each, and an answer that
    comes byte by byte would outlast the lease. It must be longer than the client takes to connect, so that
    the call had left when it strikes.
    """
    payload = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"to": message.digits} if message.digits else {"recipient": message.bsuid}),
        "type": "text",
        "text": {"body": message.body, "preview_url": False},
        "biz_opaque_callback_data": str(message.id),
    }
    try:
        async with asyncio.timeout(timeout_seconds):
            response = await client.post(path, json=payload)
    except _NEVER_LEFT as error:
        return NotSent(Verdict.TRANSIENT, None, type(error).__name__)
    except TimeoutError:
        return Unknown("no complete answer in time")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Unknown(type(error).__name__)
    return _read(response)


def _read(response: httpx.Response) -> Outcome:
    try:
        body = response.json()
    except ValueError:
        body = None
    error = find(body, "error")
    if isinstance(error, dict) and not response.is_success:
        return _not_sent(error, response)
    if response.is_success:
        wamid = text(find(body, "messages", 0, "id"), 256)
        alias = text(find(body, "contacts", 0, "wa_id"), 20)
        return Accepted(wamid, alias or None) if wamid else Unknown("accepted without an id")
    if response.status_code == 429:
        return NotSent(Verdict.NUMBER, None, "429", retry_after_seconds(response))
    return Unknown(f"{response.status_code} without an error document")


def _not_sent(error: dict[str, Any], response: httpx.Response) -> NotSent:
    code, subcode = error.get("code"), error.get("error_subcode")
    known = code if type(code) is int and abs(code) < 2**31 else None
    details = text(find(error, "error_data", "details") or error.get("message"), 300)
    judged = verdict(
        known, subcode if type(subcode) is int else None, transient=error.get("is_transient") is True
    )
    if known is None and response.status_code == 429:
        judged = Verdict.NUMBER
    return NotSent(judged, known, details, retry_after_seconds(response))
