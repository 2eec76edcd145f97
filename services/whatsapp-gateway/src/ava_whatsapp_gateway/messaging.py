"""Keep turns in the message log, idempotently."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import httpx

from ava_common.callers import Caller
from ava_common.peers import on_behalf_of
from ava_whatsapp_gateway.rooms import Refused, ask


@dataclass(frozen=True, slots=True)
class Turn:
    """One row of the log; `external_id` is the wamid."""

    id: UUID
    role: Literal["user", "assistant"]
    content: str
    created_at: datetime
    external_id: str
    avatar_id: UUID | None


async def keep(client: httpx.AsyncClient, caller: Caller, turn: Turn) -> bool:
    """True: the turn is in the log, once, however often this is called. False: its avatar may be gone."""
    body = {
        "channel": "whatsapp",
        "role": turn.role,
        "content": turn.content,
        "avatar_id": str(turn.avatar_id) if turn.avatar_id else None,
        "external_id": turn.external_id,
        "created_at": turn.created_at.isoformat(),
    }
    path, auth = f"/messages/{turn.id}", on_behalf_of(caller)
    response = await ask(client, "messaging", "PUT", path, json=body, auth=auth)
    if response.status_code in (404, 409, 422) and turn.avatar_id:
        return False
    if response.status_code not in (200, 201):
        raise Refused("messaging", response)
    return True
