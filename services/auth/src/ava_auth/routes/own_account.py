"""Routes for one's own account: change the password, export everything, delete the account.

Decisions 0069, 0111, 0114 and 0133. See docs/contracts/supabase-auth.md#own-account.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from ava_auth import export
from ava_auth.bookkeeping import recording
from ava_auth.flows import accept_password
from ava_auth.problems import (
    AccountsAway,
    EmailNotConfirmed,
    FreshLoginNeeded,
    PasswordRefused,
    ServiceUnavailable,
    WrongCredentials,
    WrongPassword,
)
from ava_auth.resources import Resources, ResourcesDep
from ava_auth.routes.browser_session import clear_cookies
from ava_auth.schemas import NewPassword, Proof
from ava_auth.throttle import Attempt, account_digest
from ava_auth.user_and_session import User
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.authentication import NotSignedIn, PersonRequired, PresentCaller
from ava_common.caller import Caller
from ava_common.client_ip import ClientIp
from ava_common.database import AccountGone
from ava_common.live_sessions import SessionEnded
from ava_common.problems import responses
from ava_common.token_verifier import InvalidToken

router = APIRouter(prefix="/auth", tags=["my account"])
_CHANGING = (WrongPassword, PasswordRefused, FreshLoginNeeded)
_FILE = {"description": "One file", "content": {"application/json": {"schema": {"type": "object"}}}}
_SIGNED = (
    *(InvalidToken, NotSignedIn, PersonRequired, SessionEnded, AccountGone),
    *(TooManyAttempts, AccountsAway),
)


@asynccontextmanager
async def _password_checked(
    resources: Resources, user: User, password: str, client_ip: str
) -> AsyncIterator[Attempt]:
    """Entered when the password is right. Checking it opens a session of its own, which is closed again."""
    counted = resources.throttle.attempt("password", client_ip, str(user.id))
    queue = resources.queue_for("password")
    async with _unless_gone(resources, user), counted as attempt, queue.turn(attempt.network):
        try:
            proof = await resources.supabase.log_in(user.email, password, client_ip)
        except (WrongCredentials, EmailNotConfirmed):
            await resources.audit_log.add("password.refused", user_id=user.id, network=attempt.network)
            raise WrongPassword from None
        try:
            yield attempt
        finally:
            await resources.supabase.close(proof.access_token, "local")
        await attempt.succeeded()


@asynccontextmanager
async def _unless_gone(resources: Resources, user: User) -> AsyncIterator[None]:
    """Raises AccountGone for what fails because the account is deleted meanwhile, by another request.

    Supabase Auth says then that the password is wrong, or that it cannot open a session.
    """
    try:
        yield
    except (WrongPassword, SessionEnded, AccountGone, AccountsAway):
        if not await resources.supabase.is_deleted(user.id):
            raise
        async with recording("account.deleted"):
            await resources.throttle.forget(account_digest(user.email), str(user.id))
        raise AccountGone from None


async def _live_user(resources: Resources, caller: Caller) -> User:
    """The user behind a token whose session has not ended, which verifying the token cannot tell."""
    return await resources.supabase.user(caller.token)


@router.put(
    "/password",
    operation_id="account_change_password",
    status_code=204,
    response_class=Response,
    responses=responses(*_SIGNED, *_CHANGING),
)
async def change_password(
    wish: NewPassword, caller: PresentCaller, resources: ResourcesDep, client_ip: ClientIp
) -> None:
    """Set a new password; every other session ends, this one goes on.

    Access tokens of the other sessions still read the avatar, preferences and messages, and write messages,
    until they expire. They change and export nothing.
    """
    current, new = wish.current_password.get_secret_value(), wish.new_password.get_secret_value()
    user = await _live_user(resources, caller)
    await accept_password(resources, new, user.email, "#/new_password")
    async with _password_checked(resources, user, current, client_ip) as attempt:
        with resources.sessions.ending():
            changed = await resources.supabase.set_password(caller.token, current, new, client_ip)
        if not changed:
            raise PasswordRefused("it is the one you already have", pointer="#/new_password")
    async with recording("password.changed"):
        await resources.audit_log.add("password.changed", user_id=user.id, network=attempt.network)


@router.delete(
    "/account",
    operation_id="account_delete",
    status_code=204,
    response_class=Response,
    responses=responses(*_SIGNED, WrongPassword),
)
async def delete_account(
    proof: Proof, caller: PresentCaller, resources: ResourcesDep, client_ip: ClientIp, response: Response
) -> None:
    """Delete the account and everything that belongs to it, in every service. This cannot be undone."""
    user = await _live_user(resources, caller)
    async with _password_checked(resources, user, proof.password.get_secret_value(), client_ip) as attempt:
        with resources.sessions.ending():
            await resources.supabase.delete(user.id)
    async with recording("account.deleted"):
        await resources.throttle.forget(account_digest(user.email), str(user.id))
        await resources.audit_log.add("account.deleted", user_id=user.id, network=attempt.network)
    clear_cookies(response)


@router.get(
    "/export",
    operation_id="account_export",
    response_class=StreamingResponse,
    responses={**responses(*_SIGNED, ServiceUnavailable), 200: _FILE},
)
async def export_all(caller: PresentCaller, resources: ResourcesDep) -> StreamingResponse:
    """Everything that is yours, from every service, as one JSON file."""
    user = await _live_user(resources, caller)
    parts = await export.open_export(resources, caller, user)
    await resources.audit_log.add("account.exported", user_id=user.id)
    return StreamingResponse(
        parts,
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="ava.json"', "Cache-Control": "no-store"},
    )
