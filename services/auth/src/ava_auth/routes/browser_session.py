"""Routes for browsers: log in, refresh and log out, with the tokens in cookies that no script can read.

Decisions 0003, 0068, 0133 and 0149.
"""

from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Cookie, Depends, Query, Request, Response

from ava_auth import flows
from ava_auth.bookkeeping import recording
from ava_auth.problems import (
    AccountsAway,
    CrossSite,
    EmailNotConfirmed,
    WrongCredentials,
)
from ava_auth.resources import Resources, ResourcesDep, no_store
from ava_auth.schemas import Credentials, EndedSessions, Me, SignedIn, me
from ava_auth.user_and_session import Scope, Session, User
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.authentication import optional_caller
from ava_common.caller import Caller
from ava_common.client_ip import ClientIp, network_of
from ava_common.database import AWAY, BUSY, AccountGone
from ava_common.jwks import KeysUnavailable
from ava_common.live_sessions import SessionEnded
from ava_common.problems import responses
from ava_common.token_verifier import InvalidToken

ACCESS, REFRESH = "__Host-ava_at", "__Host-ava_rt"
_DAY_SECONDS = 86400
_CANNOT_END = (AccountsAway, KeysUnavailable, TooManyAttempts, InvalidToken, *AWAY, *BUSY)
"""Why a session cannot be ended upstream right now."""


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


@router.post(
    "/resume",
    operation_id="session_resume",
    responses=responses(CrossSite, TooManyAttempts, AccountsAway),
)
async def resume(
    request: Request,
    response: Response,
    resources: ResourcesDep,
    client_ip: ClientIp,
    refresh_token: RefreshCookie = None,
) -> SignedIn:
    """Who is signed in with this browser's cookies, renewed if need be; `user` is null if nobody is."""
    if user := await _user_of_live_session(request, resources):
        return SignedIn(user=Me(id=user.id, email=user.email))
    if session := await _renewed(resources, refresh_token, client_ip):
        _set_cookies(response, session, resources.settings.session_days)
    return SignedIn(user=me(session) if session else None)


@router.delete(
    "",
    operation_id="session_log_out",
    status_code=204,
    response_model=None,
    response_class=Response,
    responses=responses(CrossSite, SessionEnded, TooManyAttempts, AccountsAway, KeysUnavailable),
)
async def log_out(
    request: Request,
    response: Response,
    resources: ResourcesDep,
    client_ip: ClientIp,
    query: Annotated[EndedSessions, Query()],
    refresh_token: RefreshCookie = None,
) -> Response | None:
    """End this session, the others, or all; this browser is logged out even when Supabase Auth is away.

    A session that has ended ends no others (401), and its cookies go.
    """
    ended, scope = None, query.scope
    try:
        ended = await _end(resources, await _own_caller(request), refresh_token, client_ip, scope)
    except _CANNOT_END:
        if scope != "local":
            raise
    else:
        if ended is None and scope != "local":
            refused = SessionEnded().response()
            clear_cookies(refused)
            return refused
    if scope != "others":
        clear_cookies(response)
    if ended:
        async with recording("session.ended"):
            await resources.audit_log.add(
                "session.ended", user_id=ended, network=network_of(client_ip), scope=scope
            )
    return None


async def _own_caller(request: Request) -> Caller | None:
    """The caller who speaks for themselves; None without a valid token of their own."""
    try:
        caller = await optional_caller(request)
    except InvalidToken:
        return None
    return None if caller is None or caller.actor or caller.impersonated else caller


async def _user_of_live_session(request: Request, resources: Resources) -> User | None:
    """The user of the access token; None once it is invalid, its session has ended or the account is gone.

    We take a token for some seconds longer than Supabase Auth does.
    """
    caller = await _own_caller(request)
    try:
        return await resources.sessions.user(caller) if caller else None
    except (SessionEnded, AccountGone, InvalidToken):
        return None


async def _end(
    resources: Resources, caller: Caller | None, refresh_token: str | None, client_ip: str, scope: Scope
) -> UUID | None:
    """End sessions; whose they were, None when there was none. An expired token cannot end its session."""
    with resources.sessions.ending():
        if caller:
            with suppress(InvalidToken, SessionEnded, AccountGone):  # the refresh token tells what is true
                await resources.supabase.log_out(caller.token, scope)
                return caller.id
        if session := await _renewed(resources, refresh_token, client_ip):
            with suppress(SessionEnded):
                await resources.supabase.log_out(session.access_token, scope)
                return session.user.id
    return None


async def _renewed(resources: Resources, refresh_token: str | None, client_ip: str) -> Session | None:
    """The session with new tokens; None when there is none or it has ended."""
    try:
        return await flows.refresh(resources, refresh_token, client_ip) if refresh_token else None
    except SessionEnded:
        return None
