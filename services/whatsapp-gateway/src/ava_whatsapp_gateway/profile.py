"""Ask profile which avatar a person has."""

import time
from collections import OrderedDict
from uuid import UUID

import httpx

from ava_common.callers import Caller
from ava_common.peers import on_behalf_of
from ava_whatsapp_gateway.rooms import Refused, RoomAway, ask

_SECONDS, _MOST = 5.0, 10_000


class Avatars:
    """Whose avatar is which, for seconds: people write several messages in a row.

    That somebody has none is never remembered; one that is gone is found out by messaging, and forgotten.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, tuple[UUID, float]] = OrderedDict()

    async def of(self, client: httpx.AsyncClient, caller: Caller) -> UUID | None:
        """The id of the person's avatar, None before they have one."""
        avatar, until = self._known.get(caller.id, (None, 0.0))
        if avatar and time.monotonic() < until:
            return avatar
        self.forget(caller.id)
        if avatar := await _ask(client, caller):
            self._known[caller.id] = avatar, time.monotonic() + _SECONDS
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return avatar

    def forget(self, person: UUID) -> None:
        self._known.pop(person, None)


async def _ask(client: httpx.AsyncClient, caller: Caller) -> UUID | None:
    response = await ask(client, "profile", "GET", "/profile/avatar", auth=on_behalf_of(caller))
    if response.status_code == 404:
        return None
    if response.status_code != 200:
        raise Refused("profile", response)
    try:
        return UUID(response.json()["id"])
    except (ValueError, KeyError, TypeError):
        raise RoomAway("profile", "an avatar without an id") from None
