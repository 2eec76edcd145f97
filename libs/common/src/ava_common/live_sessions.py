"""Ask whether the caller's session still lives, for what outlives a stolen access token: `LiveCaller`.

Decision 0111.
"""

import asyncio
import time
from typing import Annotated, Protocol, cast

import httpx
from fastapi import Request, Security

from ava_common.authentication import NotSignedIn, PersonRequired, Present
from ava_common.caller import Caller
from ava_common.database import AccountGone
from ava_common.http_client import on_behalf_of, own_problem
from ava_common.log import log
from ava_common.problems import Problem
from ava_common.token_verifier import InvalidToken

RESTART_SECONDS = 10.0
"""How long a service that is restarted, or was killed, may answer nothing; Caddy waits as long for it."""

ONE_TRY = httpx.Timeout(3.0, connect=1.0)
"""How long one try may take: what has just died may neither answer nor refuse, and another copy may live."""


class SessionEnded(Problem):
    """This session has ended. Log in again."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class SessionsUnavailable(Problem):
    """We cannot check right now that you are still logged in. Nothing was changed; try again in a moment."""

    status = 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


REFUSALS = (NotSignedIn, PersonRequired, SessionEnded, AccountGone, SessionsUnavailable)
"""What a route with a LiveCaller may answer before it does anything."""


class SessionCheck(Protocol):
    """Raises SessionEnded, AccountGone, InvalidToken or SessionsUnavailable unless the session lives."""

    async def require_live(self, caller: Caller) -> None: ...


class Outage:
    """For how long nothing has answered. Who asks in that time waits for its end, if that comes soon."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._began = self._noticed = float("-inf")

    async def wait(self) -> bool:
        """After a try that failed: a moment, and True; False when this is more than a restart."""
        now = time.monotonic()
        if now - self._noticed > self._patience:
            self._began = now
        self._noticed, lasted = now, now - self._began
        if lasted > self._patience:
            return False
        await asyncio.sleep(0.1 + lasted / 20)  # many may be waiting, for a service that is just starting
        return True

    def ends(self) -> None:
        self._noticed = float("-inf")


class RemoteSessionCheck:
    """Asks another service, with the caller's own token; its path answers 204 for a session that lives.

    Asks again when nothing answers, because a service that is restarted is back soon and another copy may
    live. Once that has taken too long, each call tries once until something answers.
    """

    def __init__(
        self, client: httpx.AsyncClient, path: str, patience_seconds: float = RESTART_SECONDS
    ) -> None:
        self._client, self._path = client, path
        self._outage = Outage(patience_seconds)

    async def require_live(self, caller: Caller) -> None:
        try:
            response = await self._ask(caller)
        except httpx.HTTPError as error:
            log.warning("sessions.unreachable", error=type(error).__name__)
            raise SessionsUnavailable from None
        if response.status_code == 204:
            return
        said = own_problem(response) if response.status_code == 401 else None
        for refusal in (SessionEnded, AccountGone, InvalidToken):  # which may have expired on the way
            if said == refusal.type():
                raise refusal
        log.warning("sessions.unexpected", status=response.status_code)
        raise SessionsUnavailable

    async def _ask(self, caller: Caller) -> httpx.Response:
        while True:
            try:
                response = await self._client.get(self._path, auth=on_behalf_of(caller), timeout=ONE_TRY)
            except httpx.TransportError:
                if not await self._outage.wait():
                    raise
            else:
                self._outage.ends()
                return response


class _Resources(Protocol):
    @property
    def sessions(self) -> SessionCheck: ...


class Live(Present):
    """Signed in, present, and the session has not ended since the token was issued."""

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        caller = await super().__call__(request)
        await cast(_Resources, request.state.resources).sessions.require_live(caller)
        return caller


LiveCaller = Annotated[Caller, Security(Live())]
