"""The client of Supabase Auth: the official library's, a fresh one per call so that no session leaks.

Decisions 0060 and 0064. See docs/contracts/supabase-auth.md#the-python-client and
docs/contracts/supabase-auth.md#limits-and-addresses.
"""

from collections.abc import Awaitable, Collection
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import httpx
from pydantic import ValidationError
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthApiError, AuthError, AuthRetryableError, AuthWeakPasswordError
from supabase_auth.types import Session as SupabaseSession
from supabase_auth.types import User as SupabaseUser
from supabase_auth.types import UserAttributes, UserResponse

from ava_auth import supabase_errors
from ava_auth.problems import AccountsAway, PasswordRefused, TokenRefused
from ava_auth.settings import Settings
from ava_auth.supabase_errors import Problems
from ava_auth.user_and_session import Link, Scope, Session, User
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.client_ip import UNKNOWN
from ava_common.live_sessions import SessionEnded
from ava_common.log import log
from ava_common.problems import Problem

T = TypeVar("T")


async def _answer(request: Awaitable[T], problems: Problems) -> T:
    """What Supabase Auth answers. Raises the problem that its error stands for."""
    try:
        return await request
    except (AuthError, ValidationError) as error:
        raise _problem(error, problems) from None


async def _answer_or_none(request: Awaitable[T], none_for: Collection[str], problems: Problems) -> T | None:
    """The same, but None for an error with one of the codes `none_for`."""
    try:
        return await request
    except (AuthError, ValidationError) as error:
        if isinstance(error, AuthApiError) and error.code in none_for:
            if error.code in supabase_errors.MAIL_UNSENT:
                log.error("supabase.mail_unsent", code=error.code)
            return None
        raise _problem(error, problems) from None


def _problem(error: AuthError | ValidationError, problems: Problems) -> Problem:
    """What an error stands for; its own words are never passed on."""
    match error:
        case AuthWeakPasswordError():
            return PasswordRefused("it is too weak; use a longer one that is hard to guess")
        case AuthRetryableError():
            log.warning("supabase.away", status=error.status)
            return AccountsAway()
        case AuthApiError(code="over_request_rate_limit"):
            return TooManyAttempts(60)
        case AuthApiError() if error.code in problems:
            return problems[error.code]()
        case AuthApiError():
            log.error("supabase.unexpected", code=error.code, status=error.status)
            return AccountsAway(1 if error.code == "conflict" else 5)
        case _:
            log.error("supabase.unreadable", error=type(error).__name__)
            return AccountsAway()


class SupabaseAuth:
    """Every call to Supabase Auth. `client_ip` is the user's own address, as our edge proxy reported it."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._url = f"{settings.supabase_url}/auth/v1"
        self._publishable = settings.supabase_publishable_key.get_secret_value()
        self._secret = settings.supabase_secret_key.get_secret_value()
        self._http = http

    def _client(self, key: str, **headers: str) -> AsyncGoTrueClient:
        return AsyncGoTrueClient(
            url=self._url,
            headers={"apikey": key, "User-Agent": "ava-auth", **headers},
            auto_refresh_token=False,
            persist_session=False,
            http_client=self._http,
        )

    def _forwarding(self, client_ip: str) -> AsyncGoTrueClient:
        """Supabase accepts a forwarded address only with a secret key, and limits by it."""
        known = {} if client_ip == UNKNOWN else {"Sb-Forwarded-For": client_ip}
        return self._client(self._secret, **known)

    async def sign_up(self, email: str, password: str, client_ip: str) -> None:
        """Create an account, not saying whether there was one; a session that comes back is ended at once."""
        request = self._forwarding(client_ip).sign_up({"email": email, "password": password})
        created = await _answer_or_none(request, supabase_errors.SIGN_UP_UNREPORTED, supabase_errors.SIGN_UP)
        if created and created.session:
            await self.close(created.session.access_token, "local")

    async def log_in(self, email: str, password: str, client_ip: str) -> Session:
        request = self._forwarding(client_ip).sign_in_with_password({"email": email, "password": password})
        return _session((await _answer(request, supabase_errors.LOG_IN)).session)

    async def refresh(self, refresh_token: str, client_ip: str) -> Session:
        request = self._forwarding(client_ip).refresh_session(refresh_token)
        return _session((await _answer(request, supabase_errors.SESSION)).session)

    async def log_out(self, access_token: str, scope: Scope) -> None:
        """End sessions; one's own that has already ended is not an error.

        Raises InvalidToken for a token that has expired, SessionEnded or AccountGone when others were to be
        ended too: with either nothing is ended, and those may well live on.
        """
        request = self._client(self._publishable).admin.sign_out(access_token, scope)
        over = supabase_errors.SESSION_ENDED if scope == "local" else ()
        await _answer_or_none(request, over, supabase_errors.LIVE_SESSION)

    async def close(self, access_token: str, scope: Scope) -> None:
        """End a session of our own whose tokens nobody was given; one that stays open harms nobody."""
        try:
            await self.log_out(access_token, scope)
        except Problem as problem:
            log.warning("supabase.session_left_open", why=type(problem).__name__)

    async def user(self, access_token: str) -> User:
        """The user of this session, asked upstream. Raises SessionEnded, AccountGone or InvalidToken."""
        request = self._client(self._publishable).get_user(access_token)
        response = await _answer(request, supabase_errors.LIVE_SESSION)
        if response is None:
            raise SessionEnded
        return _user(response.user)

    async def set_password(self, access_token: str, current: str | None, new: str, client_ip: str) -> bool:
        """Set a new password, which ends all other sessions. False: it is the current one."""
        attributes: UserAttributes = {"password": new}
        if current:
            attributes["current_password"] = current
        request = _update_user(self._forwarding(client_ip), access_token, attributes)
        updated = await _answer_or_none(request, {"same_password"}, supabase_errors.NEW_PASSWORD)
        return updated is not None

    async def recover(self, email: str, client_ip: str) -> None:
        request = self._forwarding(client_ip).reset_password_for_email(email)
        await _answer_or_none(request, supabase_errors.MAIL_UNREPORTED, {})

    async def resend(self, email: str, client_ip: str) -> None:
        request = self._forwarding(client_ip).resend({"type": "signup", "email": email})
        await _answer_or_none(request, supabase_errors.MAIL_UNREPORTED, {})

    async def open_link(self, kind: Link, token_hash: str, client_ip: str) -> Session:
        """Redeem the token of an e-mail, once. Raises LinkSpent."""
        request = self._forwarding(client_ip).verify_otp({"type": kind, "token_hash": token_hash})
        return _session((await _answer(request, supabase_errors.LINK)).session)

    async def delete(self, user_id: UUID) -> None:
        """Delete the account and, by cascade, everything of it; one already gone is not an error."""
        request = self._client(self._secret).admin.delete_user(str(user_id))
        await _answer_or_none(request, {"user_not_found"}, {})

    async def is_deleted(self, user_id: UUID) -> bool:
        """Whether there is no such account (any more)."""
        request = self._client(self._secret).admin.get_user_by_id(str(user_id))
        found = await _answer_or_none(request, {"user_not_found"}, {})
        return found is None or found.user.deleted_at is not None

    async def check_standing(self, user_id: UUID) -> None:
        """Raises TokenRefused when the account is unknown, deleted or banned."""
        request = self._client(self._secret).admin.get_user_by_id(str(user_id))
        user = (await _answer(request, supabase_errors.STANDING)).user
        banned = user.banned_until and datetime.fromisoformat(user.banned_until) > datetime.now(UTC)
        if user.deleted_at or banned:
            raise TokenRefused


async def _update_user(client: AsyncGoTrueClient, token: str, attributes: UserAttributes) -> UserResponse:
    await client.set_session(token, "unused")
    return await client.update_user(attributes)


def _user(user: SupabaseUser) -> User:
    return User(UUID(user.id), user.email or "", user.created_at, user.email_confirmed_at)


def _session(session: SupabaseSession | None) -> Session:
    if session is None:
        raise AccountsAway
    return Session(
        session.access_token,
        session.refresh_token,
        session.expires_in,
        session.expires_at or 0,
        _user(session.user),
    )
