"""Routes for programs: sign up, log in, refresh and log out, with the tokens in the bodies.

Decisions 0003, 0061 and 0133.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ava_auth import flows
from ava_auth.bookkeeping import recording
from ava_auth.problems import (
    AccountsAway,
    EmailNotConfirmed,
    EmailRefused,
    LinkSpent,
    PasswordRefused,
    SignUpClosed,
    WrongCredentials,
)
from ava_auth.resources import ResourcesDep, no_store
from ava_auth.schemas import (
    Acknowledgement,
    Credentials,
    EndedSessions,
    Mailbox,
    Me,
    OpenedLink,
    Renewal,
    Tokens,
)
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.authentication import NotSignedIn, PersonRequired, PresentCaller
from ava_common.client_ip import ClientIp, network_of
from ava_common.database import AccountGone
from ava_common.live_sessions import SessionEnded
from ava_common.problems import responses
from ava_common.token_verifier import InvalidToken

router = APIRouter(prefix="/auth", tags=["accounts"], dependencies=[Depends(no_store)])

SIGNED_UP = (
    "Thank you. If your address needs confirming, an e-mail with a link is on its way; if not, you can log "
    "in now. If you already have an account, log in with your password or ask for a new one."
)
MAILED = "If this address belongs to an account that needs one, an e-mail with a link is on its way."
CONFIRMED = "Your password is set. Log in with it."


@router.post(
    "/signup",
    operation_id="accounts_sign_up",
    status_code=202,
    responses=responses(PasswordRefused, EmailRefused, SignUpClosed, TooManyAttempts, AccountsAway),
)
async def sign_up(who: Credentials, resources: ResourcesDep, client_ip: ClientIp) -> Acknowledgement:
    """Ask for an account. The answer is the same whether or not the address already has one."""
    await flows.sign_up(resources, who, client_ip)
    return Acknowledgement(message=SIGNED_UP)


@router.post(
    "/login",
    operation_id="accounts_log_in",
    responses=responses(WrongCredentials, EmailNotConfirmed, TooManyAttempts, AccountsAway),
)
async def log_in(who: Credentials, resources: ResourcesDep, client_ip: ClientIp) -> Tokens:
    """Open a session. After too many attempts the next one has to wait, whatever the address."""
    return Tokens.of(await flows.log_in(resources, who, client_ip))


@router.post(
    "/refresh",
    operation_id="accounts_refresh",
    responses=responses(SessionEnded, TooManyAttempts, AccountsAway),
)
async def refresh(old: Renewal, resources: ResourcesDep, client_ip: ClientIp) -> Tokens:
    """Exchange a refresh token for new tokens. Keep the new refresh token: the old one stops working."""
    return Tokens.of(await flows.refresh(resources, old.refresh_token.get_secret_value(), client_ip))


@router.post(
    "/logout",
    operation_id="accounts_log_out",
    status_code=204,
    response_class=Response,
    responses=responses(
        *(InvalidToken, NotSignedIn, PersonRequired, SessionEnded, AccountGone),
        *(TooManyAttempts, AccountsAway),
    ),
)
async def log_out(
    caller: PresentCaller,
    resources: ResourcesDep,
    client_ip: ClientIp,
    query: Annotated[EndedSessions, Query()],
) -> None:
    """End this session, the others, or all of them; one that has ended ends no others (401).

    An ended session can change and export nothing any more. Its access token still reads the avatar,
    preferences and messages, and writes messages, until it expires.
    """
    with resources.sessions.ending():
        await resources.supabase.log_out(caller.token, query.scope)
    async with recording("session.ended"):
        await resources.audit_log.add(
            "session.ended", user_id=caller.id, network=network_of(client_ip), scope=query.scope
        )


@router.get(
    "/me",
    operation_id="accounts_me",
    responses=responses(
        *(InvalidToken, NotSignedIn, PersonRequired, SessionEnded, AccountGone),
        *(TooManyAttempts, AccountsAway),
    ),
)
async def me(caller: PresentCaller, resources: ResourcesDep) -> Me:
    """Who is signed in, as Supabase Auth says now; an ended session and a deleted account are refused."""
    user = await resources.sessions.user(caller)
    return Me(id=user.id, email=user.email)


@router.post(
    "/recover",
    operation_id="accounts_recover",
    status_code=202,
    responses=responses(TooManyAttempts, AccountsAway),
)
async def recover(mailbox: Mailbox, resources: ResourcesDep, client_ip: ClientIp) -> Acknowledgement:
    """Ask for an e-mail with a link to choose a new password."""
    await flows.recover(resources, mailbox.email, client_ip)
    return Acknowledgement(message=MAILED)


@router.post(
    "/resend",
    operation_id="accounts_resend",
    status_code=202,
    responses=responses(TooManyAttempts, AccountsAway),
)
async def resend(mailbox: Mailbox, resources: ResourcesDep, client_ip: ClientIp) -> Acknowledgement:
    """Ask for the confirmation e-mail again."""
    await flows.resend(resources, mailbox.email, client_ip)
    return Acknowledgement(message=MAILED)


@router.post(
    "/verify",
    operation_id="accounts_verify",
    responses=responses(LinkSpent, PasswordRefused, TooManyAttempts, AccountsAway),
)
async def verify(opened: OpenedLink, resources: ResourcesDep, client_ip: ClientIp) -> Acknowledgement:
    """Redeem the link of an e-mail, once, with the password to use from now on; then log in with it."""
    await flows.open_link(resources, opened, client_ip)
    return Acknowledgement(message=CONFIRMED)
