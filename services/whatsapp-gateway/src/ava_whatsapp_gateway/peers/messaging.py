"""Turns of the conversation, and the client of messaging: writes them to the log idempotently, reads it.

Decisions 0106, 0140, 0141 and 0143.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
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


async def last_before(client: httpx.AsyncClient, caller: Caller, most: int, turn: Turn) -> list[LoggedTurn]:
    """At most so many of the turns before this one, newest first: of all channels, and not empty.

    Where the log does not have this one, they are the newest that it has.
    """
    newest = await _page(client, caller, limit=most + 1)
    # It may have been logged under another id.
    own = [row for row in newest if row["id"] == str(turn.id) or row["external_id"] == turn.external_id]
    place = own[0]["created_at"] if own else await _place_of(client, caller, turn)
    before = [row for row in newest if row not in own]
    if place and own[:1] != newest[:1]:  # the user has written since, in the app
        before = await _page(client, caller, limit=most, until=place)
    return [
        LoggedTurn(row["id"], row["channel"], row["role"], row["content"], row["created_at"])
        for row in before
        if row["content"]
    ][:most]


_ROW = {"id", "channel", "role", "content", "created_at", "external_id"}


async def _page(client: httpx.AsyncClient, caller: Caller, **query: Any) -> list[dict[str, Any]]:
    """Rows of the log, newest first."""
    asked, auth = {"order": "newest", **query}, on_behalf_of(caller)
    response = await request(client, "messaging", "GET", "/messages", params=asked, auth=auth)
    if not response.is_success:
        raise PeerRefused("messaging", response)
    rows = json_object(response).get("messages")
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.keys() >= _ROW for row in rows):
        raise PeerAway("messaging", "a page without messages")
    return rows


async def _place_of(client: httpx.AsyncClient, caller: Caller, turn: Turn) -> str | None:
    """The time under which it stands in the log; None when the user has deleted it there."""
    response = await request(client, "messaging", "GET", f"/messages/{turn.id}", auth=on_behalf_of(caller))
    place = json_object(response).get("created_at") if response.is_success else None
    return str(place) if place else None


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

    What a user says to no avatar is said to theirs, if they have one by now. Its words are those of the last
    edit on the phone, and none when it was deleted there.
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
    return _as_logged(turn, logged)


def _as_logged(turn: Turn, logged: dict[str, Any]) -> Turn:
    if logged.get("edited_at") or logged.get("deleted_at"):
        turn = replace(turn, words=str(logged.get("content") or ""))
    if turn.avatar_id is None and (avatar := logged.get("avatar_id")):
        try:
            turn = replace(turn, avatar_id=UUID(str(avatar)))
        except ValueError:
            raise PeerAway("messaging", "an avatar without an id") from None
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
    if response.status_code == 404:
        return
    if not response.is_success:
        raise PeerRefused("messaging", response)
    changed = json_object(response)
    if changed.get("id") != str(change.id) and changed.get("external_id") != change.external_id:
        raise PeerAway("messaging", f"{response.status_code} without the turn")
