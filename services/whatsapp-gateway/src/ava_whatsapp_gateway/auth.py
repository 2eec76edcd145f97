"""Ask auth to let us act for a person who is not at the keyboard (RFC 8693 token exchange)."""

import time
from collections import OrderedDict
from uuid import UUID

import httpx

from ava_common.callers import Caller
from ava_whatsapp_gateway.rooms import Refused, RoomAway, TokenStale, ask

_MOST = 10_000
ME = "whatsapp-gateway"


class Delegations:
    """Delegated tokens, remembered for at most half their life and never longer than this process."""

    def __init__(self, secret: str) -> None:
        self._auth = httpx.BasicAuth(ME, secret)
        self._callers: OrderedDict[UUID, tuple[Caller, float]] = OrderedDict()

    async def act_for(self, client: httpx.AsyncClient, person: UUID) -> Caller:
        """The caller we are when acting for this person. Refused for banned and deleted accounts."""
        caller, until = self._callers.get(person, (None, 0.0))
        if caller is not None and time.monotonic() < until:
            return caller
        return await self._ask(client, person)

    def forget_all(self) -> None:
        """A room does not accept our tokens any more (a key was taken back): the next ones are fresh."""
        self._callers.clear()

    async def _ask(self, client: httpx.AsyncClient, person: UUID) -> Caller:
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": str(person),
            "subject_token_type": "urn:ava:token-type:user-id",
        }
        try:
            response = await ask(client, "auth", "POST", "/internal/tokens", data=form, auth=self._auth)
        except TokenStale:
            raise RoomAway("auth", "does not know our client secret", 60) from None
        if response.status_code != 200:
            self._callers.pop(person, None)
            raise Refused("auth", response)
        return self._remember(person, response)

    def _remember(self, person: UUID, response: httpx.Response) -> Caller:
        try:
            given = response.json()
            token, life = str(given["access_token"]), float(given["expires_in"])
        except (ValueError, KeyError, TypeError):
            raise RoomAway("auth", "an answer without a token") from None
        caller = Caller(person, token, int(time.time() + life), actor=ME)
        self._callers[person] = caller, time.monotonic() + life / 2
        self._callers.move_to_end(person)
        while len(self._callers) > _MOST:
            self._callers.popitem(last=False)
        return caller
