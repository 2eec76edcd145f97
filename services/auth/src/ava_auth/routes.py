"""Accounts for programs: tokens in, tokens out. The browser's twins are in browser.py."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ava_auth import entry
from ava_auth.forms import Credentials, Mailbox, Me, Message, OpenedLink, Renewal, Tokens
from ava_auth.network import network
from ava_auth.people import Scope
from ava_auth.refusals import (
    AccountsAway,
    AddressRefused,
    EmailNotConfirmed,
    LinkSpent,
    PasswordRefused,
    SessionEnded,
    SignUpClosed,
    TooManyAttempts,
    WrongCredentials,
)
from ava_auth.resources import Address, Here, unkept
from ava_common.guards import NotSignedIn, PersonPresent, PersonRequired
from ava_common.problems import responses
from ava_common.tokens import InvalidToken

router = APIRouter(prefix="/auth", tags=["accounts"], dependencies=[Depends(unkept)])

SIGNED_UP = (
    "Thank you. If your address has to be checked, a mail with a link is on its way; if not, you can log in "
    "now. If you already have an account, log in with the password you have or ask for a new one."
)
MAILED = "If this address belongs to an account that needs it, a mail with a link is on its way."
CONFIRMED = "Your password is set. Log in with it."


@router.post(
    "/signup",
    status_code=202,
    responses=responses(PasswordRefused, AddressRefused, SignUpClosed, TooManyAttempts, AccountsAway),
)
async def sign_up(who: Credentials, here: Here, address: Address) -> Message:
    """Ask for an account. The answer is the same whether or not the address has one already."""
    await entry.sign_up(here, who, address)
    return Message(message=SIGNED_UP)


@router.post(
    "/login", responses=responses(WrongCredentials, EmailNotConfirmed, TooManyAttempts, AccountsAway)
)
async def log_in(who: Credentials, here: Here, address: Address) -> Tokens:
    """Open a session. Too many attempts make the next one wait, alike for every address."""
    return Tokens.of(await entry.log_in(here, who, address))


@router.post("/refresh", responses=responses(SessionEnded, TooManyAttempts, AccountsAway))
async def refresh(old: Renewal, here: Here, address: Address) -> Tokens:
    """New tokens for old. Keep the new refresh token: the old one stops working."""
    return Tokens.of(await entry.refresh(here, old.refresh_token.get_secret_value(), address))


@router.post(
    "/logout",
    status_code=204,
    response_class=Response,
    responses=responses(InvalidToken, NotSignedIn, PersonRequired, AccountsAway),
)
async def log_out(
    caller: PersonPresent, here: Here, address: Address, scope: Annotated[Scope, Query()] = "local"
) -> None:
    """End this session, the others, or all of them."""
    await here.accounts.log_out(caller.token, scope)
    await here.trail.add("session.ended", person=caller.id, network=network(address), scope=scope)


@router.get("/me", responses=responses(InvalidToken, NotSignedIn, PersonRequired))
async def me(caller: PersonPresent) -> Me:
    """Who is signed in, read from the token."""
    return Me(id=caller.id, email=caller.email)


@router.post("/recover", status_code=202, responses=responses(TooManyAttempts, AccountsAway))
async def recover(mailbox: Mailbox, here: Here, address: Address) -> Message:
    """Ask for a mail whose link lets its reader choose a new password."""
    await entry.recover(here, mailbox.email, address)
    return Message(message=MAILED)


@router.post("/resend", status_code=202, responses=responses(TooManyAttempts, AccountsAway))
async def resend(mailbox: Mailbox, here: Here, address: Address) -> Message:
    """Ask for the confirmation mail once more."""
    await entry.resend(here, mailbox.email, address)
    return Message(message=MAILED)


@router.post("/verify", responses=responses(LinkSpent, PasswordRefused, TooManyAttempts, AccountsAway))
async def verify(opened: OpenedLink, here: Here, address: Address) -> Message:
    """Redeem a mail's link, once, with the password to use from now on. No tokens: log in afterwards."""
    await entry.open_link(here, opened, address)
    return Message(message=CONFIRMED)
