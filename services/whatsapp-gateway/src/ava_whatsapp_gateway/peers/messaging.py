"""Turns of the conversation, and the client of messaging, which writes them to the log idempotently.

Decision 0106.
"""

from dataclasses import dataclass
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


async def put(client: httpx.AsyncClient, caller: Caller, turn: Turn) -> bool:
    """True: the turn is in the log, once, however often this is called. False: its avatar may be gone."""
    body = {
        "channel": "whatsapp",
        "role": turn.role,
        "content": turn.words,
        "avatar_id": str(turn.avatar_id) if turn.avatar_id else None,
        "external_id": turn.external_id,
        "created_at": turn.sent_at.isoformat(),
    }
    path, auth = f"/messages/{turn.id}", on_behalf_of(caller)
    response = await request(client, "messaging", "PUT", path, json=body, auth=auth)
    if response.status_code in (404, 409, 422) and turn.avatar_id:
        return False
    if not response.is_success:
        raise PeerRefused("messaging", response)
    logged = json_object(response)
    # It may have been logged under another id; what it is called at Meta is the same.
    if logged.get("id") != str(turn.id) and logged.get("external_id") != turn.external_id:
        raise PeerAway("messaging", f"{response.status_code} without the turn")
    return True
