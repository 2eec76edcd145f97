"""Turns of the conversation, and the client of messaging: writes them to the log idempotently, reads it.

Decisions 0106, 0140, 0141 and 0143.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

import httpx

from ava_common.caller import Caller
from ava_common.http_client import json_object, on_behalf_of
from ava_whatsapp_gateway.peers.http import PeerAway, PeerRefused, request


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said, as text, by the user or by Ava; `external_id` is the wamid, `sent_at` Meta's time."""

    id: UUID
    user_id: UUID
    avatar_id: UUID | None
    role: Literal["user", "assistant"]
    kind: str
    words: str
    sent_at: datetime
    external_id: str


@dataclass(frozen=True, slots=True)
class LoggedTurn:
    """One thing said earlier, as it stands in the log."""

    id: str
    channel: str
    role: str
    text: str
    created_at: str


async def last(client: httpx.AsyncClient, caller: Caller, most: int, besides: Turn) -> list[LoggedTurn]:
    """At most so many of the caller's last turns, newest first: of all channels, not empty, not this one."""
    query = {"order": "newest", "limit": most + 1}
    response = await request(client, "messaging", "GET", "/messages", params=query, auth=on_behalf_of(caller))
    if not response.is_success:
        raise PeerRefused("messaging", response)
    try:
        found = [
            LoggedTurn(row["id"], row["channel"], row["role"], row["content"], row["created_at"])
            for row in json_object(response)["messages"]
            # It may have been logged under another id.
            if row["id"] != str(besides.id) and row.get("external_id") != besides.external_id
        ]
    except (KeyError, TypeError):
        raise PeerAway("messaging", "a page without messages") from None
    return [turn for turn in found if turn.text][:most]


@dataclass(frozen=True, slots=True)
class Correction:
    """What a user did on the phone to the message with this wamid: its new words, or none: it was deleted.

    `id` is for a message that the log does not have under its wamid.
    """

    id: UUID
    external_id: str
    words: str
    changed_at: datetime


async def put(client: httpx.AsyncClient, caller: Caller, turn: Turn) -> Turn | None:
    """The turn as it is in the log, once, however often this is called. None: its avatar may be gone.

    Its words are those of the last edit on the phone, and none when it was deleted there.
    """
    body = {
        "channel": "whatsapp",
        "role": turn.role,
        "content": turn.words,
        "avatar_id": str(turn.avatar_id) if turn.avatar_id else None,
        "external_id": turn.external_id,
        "created_at": turn.sent_at.isoformat(),
        "sent_at": turn.sent_at.isoformat() if turn.role == "user" else None,
    }
    path, auth = f"/messages/{turn.id}", on_behalf_of(caller)
    response = await request(client, "messaging", "PUT", path, json=body, auth=auth)
    if response.status_code in (404, 409, 422) and turn.avatar_id:
        return None
    if not response.is_success:
        raise PeerRefused("messaging", response)
    logged = json_object(response)
    # It may have been logged under another id; what it is called at Meta is the same.
    if logged.get("id") != str(turn.id) and logged.get("external_id") != turn.external_id:
        raise PeerAway("messaging", f"{response.status_code} without the turn")
    if logged.get("edited_at") or logged.get("deleted_at"):
        return replace(turn, words=str(logged.get("content") or ""))
    return turn


async def correct(client: httpx.AsyncClient, caller: Caller, change: Correction) -> None:
    """Change the message in the log as its sender did on the phone; nothing happens when it is not there."""
    body = {
        "external_id": change.external_id,
        "content": change.words or None,
        "changed_at": change.changed_at.isoformat(),
    }
    path, auth = f"/messages/{change.id}", on_behalf_of(caller)
    response = await request(client, "messaging", "PATCH", path, json=body, auth=auth)
    if response.status_code != 404 and not response.is_success:
        raise PeerRefused("messaging", response)
