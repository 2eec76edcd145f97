"""The client of messaging: writes turns to the message log, idempotently."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import httpx

from ava_common.caller import Caller
from ava_common.http_client import on_behalf_of
from ava_whatsapp_gateway.peers.http import PeerRefused, request


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One turn as the log holds it; `external_id` is the wamid."""

    id: UUID
    role: Literal["user", "assistant"]
    content: str
    created_at: datetime
    external_id: str
    avatar_id: UUID | None


async def put(client: httpx.AsyncClient, caller: Caller, entry: LogEntry) -> bool:
    """True: the entry is in the log, once, however often this is called. False: its avatar may be gone."""
    body = {
        "channel": "whatsapp",
        "role": entry.role,
        "content": entry.content,
        "avatar_id": str(entry.avatar_id) if entry.avatar_id else None,
        "external_id": entry.external_id,
        "created_at": entry.created_at.isoformat(),
    }
    path, auth = f"/messages/{entry.id}", on_behalf_of(caller)
    response = await request(client, "messaging", "PUT", path, json=body, auth=auth)
    if response.status_code in (404, 409, 422) and entry.avatar_id:
        return False
    if response.status_code not in (200, 201):
        raise PeerRefused("messaging", response)
    return True
