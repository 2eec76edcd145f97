"""The browser's session: the same accounts, with the tokens in cookies that no script can read."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Query, Request, Response

from ava_auth import entry
from ava_auth.forms import Credentials, Me, me
from ava_auth.network import network
from ava_auth.people import Scope, Session
from ava_auth.refusals import (
    AccountsAway,
    CrossSite,
    EmailNotConfirmed,
    SessionEnded,
    TooManyAttempts,
    WrongCredentials,
)
from ava_auth.resources import Address, Here, Resources, unkept
from ava_common.guards import anyone
from ava_common.problems import responses
from ava_common.tokens import InvalidToken

ACCESS, REFRESH = "__Host-ava_at", "__Host-ava_rt"
_DAY = 86400


def _from_our_page(request: Request) -> None:
    """Browsers say where a request comes from, and no page can forge it; who does not say is no browser."""
    if request.headers.getlist("sec-fetch-site") != ["same-origin"]:
        raise CrossSite


router = APIRouter(
    prefix="/auth/session", tags=["browser session"], dependencies=[Depends(_from_our_page), Depends(unkept)]
)
RefreshCookie = Annotated[str | None, Cookie(alias=REFRESH, max_length=4096)]


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")


def keep(response: Response, session: Session, days: int) -> None:
    _set(response, ACCESS, session.access_token, session.expires_in)
    _set(response, REFRESH, session.refresh_token, days * _DAY)


def clear(response: Response) -> None:
    for name in (ACCESS, REFRESH):
        _set(response, name, "", 0)


@router.post(
    "",
    status_code=201,
    responses=responses(CrossSite, WrongCredentials, EmailNotConfirmed, TooManyAttempts, AccountsAway),
)
async def log_in(who: Credentials, response: Response, here: Here, address: Address) -> Me:
    """Log in; the tokens go into cookies that the page's script cannot read."""
    session = await entry.log_in(here, who, address)
    keep(response, session, here.settings.session_days)
    return me(session)


@router.post("/refresh", responses=responses(CrossSite, SessionEnded, TooManyAttempts, AccountsAway))
async def refresh(
    response: Response, here: Here, address: Address, refresh_token: RefreshCookie = None
) -> Me:
    """Renew the cookies."""
    if not refresh_token:
        raise SessionEnded
    session = await entry.refresh(here, refresh_token, address)
    keep(response, session, here.settings.session_days)
    return me(session)


@router.delete("", status_code=204, response_class=Response, responses=responses(CrossSite, AccountsAway))
async def log_out(
    request: Request,
    response: Response,
    here: Here,
    address: Address,
    refresh_token: RefreshCookie = None,
    scope: Annotated[Scope, Query()] = "local",
) -> None:
    """End this session, the others or all; this device forgets its own even when upstream is away."""
    try:
        if token := await _usable(request, here, refresh_token, address):
            await here.accounts.log_out(token, scope)
    except AccountsAway:
        if scope != "local":
            raise
    if scope != "others":
        clear(response)
    await here.trail.add("session.ended", network=network(address), scope=scope)


async def _usable(request: Request, here: Resources, refresh_token: str | None, address: str) -> str | None:
    """The access token, or a fresh one when it has expired: an expired one cannot end its session."""
    try:
        caller = await anyone(request)
        if caller and not caller.actor:
            return caller.token
        return (await entry.refresh(here, refresh_token, address)).access_token if refresh_token else None
    except InvalidToken:
        return (await entry.refresh(here, refresh_token, address)).access_token if refresh_token else None
    except SessionEnded:
        return None
