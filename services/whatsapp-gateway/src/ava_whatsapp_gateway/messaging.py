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


async def keep(client: httpx.AsyncClient, caller: Caller, turn: Turn) -> None:
    """Afterwards the turn is in the log, once, however often this is called."""
    response = await _put(client, caller, turn, turn.avatar_id)
    if response.status_code in (404, 409, 422) and turn.avatar_id:
        # The avatar may have gone between two questions; the turn must not go with it.
        response = await _put(client, caller, turn, None)
    if response.status_code not in (200, 201):
        raise Refused("messaging", response)


async def _put(
    client: httpx.AsyncClient, caller: Caller, turn: Turn, avatar_id: UUID | None
) -> httpx.Response:
    body = {
        "channel": "whatsapp",
        "role": turn.role,
        "content": turn.content,
        "avatar_id": str(avatar_id) if avatar_id else None,
        "external_id": turn.external_id,
        "created_at": turn.created_at.isoformat(),
    }
    return await ask(client, "messaging", "PUT", f"/messages/{turn.id}", json=body, auth=on_behalf_of(caller))
