"""Ask whether the caller's session still lives, for what outlives a stolen access token: `LiveCaller`.

Decision 0111.
"""

import asyncio
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

RESTART_SECONDS = 5.0
"""How long a service may refuse connections while it is restarted, also one that was killed."""


CONNECT_SECONDS = 1.0
"""How long one try may take to connect: the address of what was killed may answer nothing at all."""


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


class RemoteSessionCheck:
    """Asks another service, with the caller's own token; its path answers 204 for a session that lives.

    Asks again for a moment while nobody listens, because a service that is restarted is back within that.
    """

    def __init__(self, client: httpx.AsyncClient, path: str) -> None:
        self._client, self._path = client, path

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
        deadline = asyncio.get_running_loop().time() + RESTART_SECONDS
        given = self._client.timeout
        limits = httpx.Timeout(connect=CONNECT_SECONDS, read=given.read, write=given.write, pool=given.pool)
        while True:
            try:
                return await self._client.get(self._path, auth=on_behalf_of(caller), timeout=limits)
            except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout):
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.1)


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
