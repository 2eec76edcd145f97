"""The client of profile: a user's avatar, or only its id.

Decisions 0054, 0106 and 0143.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import httpx

from ava_common.caller import Caller
from ava_common.expiring_cache import ExpiringCache
from ava_common.http_client import json_object, on_behalf_of
from ava_whatsapp_gateway.peers.http import PeerAway, PeerRefused, request

_CACHE_SECONDS, _CACHE_SIZE = 300.0, 10_000


@dataclass(frozen=True, slots=True)
class Avatar:
    """Who the user talks to."""

    name: str
    age: int
    personality: str
    physical_description: str


async def avatar(client: httpx.AsyncClient, caller: Caller) -> Avatar | None:
    """The caller's avatar as it is now, None before they have one."""
    response = await request(client, "profile", "GET", "/profile/avatar", auth=on_behalf_of(caller))
    if response.status_code == 404:
        return None
    if not response.is_success:
        raise PeerRefused("profile", response)
    found = json_object(response)
    try:
        return Avatar(
            *(str(found["name"]), int(found["age"])),
            *(str(found["personality"]), str(found["physical_description"] or "")),
        )
    except (KeyError, TypeError, ValueError):
        raise PeerAway("profile", "an avatar without its fields") from None


class AvatarIds:
    """Avatar ids, and that a user has none, remembered for minutes: people write several messages in a row.

    Messaging says when that is not so any more: it refuses one that is gone, and answers with a new one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._ids: ExpiringCache[UUID, tuple[UUID | None]] = ExpiringCache(_CACHE_SIZE, clock)

    async def get(self, client: httpx.AsyncClient, caller: Caller) -> UUID | None:
        """The id of the caller's avatar, None before they have one."""
        if known := self._ids.get(caller.id):
            return known[0]
        response = await request(client, "profile", "GET", "/profile/avatar", auth=on_behalf_of(caller))
        avatar = None
        if response.status_code != 404:
            if not response.is_success:
                raise PeerRefused("profile", response)
            try:
                avatar = UUID(str(json_object(response).get("id")))
            except ValueError:
                raise PeerAway("profile", "an avatar without an id") from None
        self._ids.put(caller.id, (avatar,), _CACHE_SECONDS)
        return avatar

    def remember(self, user_id: UUID, avatar: UUID | None) -> None:
        """What messaging has logged; without one it may be of a release that does not look for it."""
        if avatar:
            self._ids.put(user_id, (avatar,), _CACHE_SECONDS)

    def forget(self, user_id: UUID) -> None:
        self._ids.discard(user_id)
