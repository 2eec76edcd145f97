"""Ask profile which avatar a person has."""

from uuid import UUID

import httpx

from ava_common.callers import Caller
from ava_common.peers import on_behalf_of
from ava_whatsapp_gateway.rooms import Refused, RoomAway, ask


async def avatar_of(client: httpx.AsyncClient, caller: Caller) -> UUID | None:
    """The id of the person's avatar, None before they have one."""
    response = await ask(client, "profile", "GET", "/profile/avatar", auth=on_behalf_of(caller))
    if response.status_code == 404:
        return None
    if response.status_code != 200:
        raise Refused("profile", response)
    try:
        return UUID(response.json()["id"])
    except (ValueError, KeyError, TypeError):
        raise RoomAway("profile", "an avatar without an id") from None
