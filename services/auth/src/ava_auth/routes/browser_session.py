"""Routes for browsers: log in, refresh and log out, with the tokens in cookies that no script can read.

Decisions 0003 and 0068.
"""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Query, Request, Response

from ava_auth import flows
from ava_auth.problems import (
    AccountsAway,
    CrossSite,
    EmailNotConfirmed,
    WrongCredentials,
)
from ava_auth.resources import Resources, ResourcesDep, no_store
from ava_auth.schemas import Credentials, Me, me
from ava_auth.user_and_session import Scope, Session
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.authentication import optional_caller
from ava_common.client_ip import ClientIp, network_of
from ava_common.live_sessions import SessionEnded
from ava_common.problems import responses
from ava_common.token_verifier import InvalidToken

ACCESS, REFRESH = "__Host-ava_at", "__Host-ava_rt"
_DAY_SECONDS = 86400


async def _from_our_page(request: Request) -> None:
    """Browsers name a request's origin and no page can forge it; clients that omit it aren't browsers."""
    if request.headers.getlist("sec-fetch-site") != ["same-origin"]:
        raise CrossSite


router = APIRouter(
    prefix="/auth/session",
    tags=["browser session"],
    dependencies=[Depends(_from_our_page), Depends(no_store)],
)
RefreshCookie = Annotated[str | None, Cookie(alias=REFRESH, max_length=4096, include_in_schema=False)]


def _set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")


def _set_cookies(response: Response, session: Session, days: int) -> None:
    _set_cookie(response, ACCESS, session.access_token, session.expires_in)
    _set_cookie(response, REFRESH, session.refresh_token, days * _DAY_SECONDS)


def clear_cookies(response: Response) -> None:
    for name in (ACCESS, REFRESH):
        _set_cookie(response, name, "", 0)


@router.post(
    "",
    operation_id="session_log_in",
    status_code=201,
    responses=responses(CrossSite, WrongCredentials, EmailNotConfirmed, TooManyAttempts, AccountsAway),
)
async def log_in(who: Credentials, response: Response, resources: ResourcesDep, client_ip: ClientIp) -> Me:
    """Log in; the tokens go into cookies that the page's script cannot read."""
    session = await flows.log_in(resources, who, client_ip)
    _set_cookies(response, session, resources.settings.session_days)
    return me(session)


@router.post(
    "/refresh",
    operation_id="session_refresh",
    responses=responses(CrossSite, SessionEnded, TooManyAttempts, AccountsAway),
)
async def refresh(
    response: Response, resources: ResourcesDep, client_ip: ClientIp, refresh_token: RefreshCookie = None
) -> Me:
    """Renew the cookies."""
    if not refresh_token:
        raise SessionEnded
    session = await flows.refresh(resources, refresh_token, client_ip)
    _set_cookies(response, session, resources.settings.session_days)
    return me(session)


@router.delete(
    "",
    operation_id="session_log_out",
    status_code=204,
    response_class=Response,
    responses=responses(CrossSite, AccountsAway),
)
async def log_out(
    request: Request,
    response: Response,
    resources: ResourcesDep,
    client_ip: ClientIp,
    refresh_token: RefreshCookie = None,
    scope: Annotated[Scope, Query()] = "local",
) -> None:
    """End this session, the others, or all; this browser is logged out even when Supabase Auth is away."""
    try:
        token = await _access_token(request)
        if token := token or await _fresh_access_token(resources, refresh_token, client_ip):
            await resources.supabase.log_out(token, scope)
            resources.sessions.forget()
    except AccountsAway:
        if scope != "local":
            raise
    if scope != "others":
        clear_cookies(response)
    await resources.audit_log.add("session.ended", network=network_of(client_ip), scope=scope)


async def _access_token(request: Request) -> str | None:
    """The caller's own access token; None when there is none or it is not valid any more."""
    try:
        caller = await optional_caller(request)
    except InvalidToken:
        return None
    return caller.token if caller and not caller.actor else None


async def _fresh_access_token(resources: Resources, refresh_token: str | None, client_ip: str) -> str | None:
    """A new access token, because an expired one cannot end its session; None when the session has ended."""
    if not refresh_token:
        return None
    try:
        return (await flows.refresh(resources, refresh_token, client_ip)).access_token
    except SessionEnded:
        return None
