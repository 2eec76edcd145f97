"""Supabase Auth, asked through its official client: a fresh one per call, so that nobody becomes another."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from uuid import UUID

import httpx
from pydantic import ValidationError
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthApiError, AuthError, AuthRetryableError, AuthWeakPasswordError
from supabase_auth.types import Session as TheirSession
from supabase_auth.types import User, UserAttributes

from ava_auth import meanings
from ava_auth.meanings import Meanings
from ava_auth.network import UNKNOWN
from ava_auth.people import Link, Person, Scope, Session
from ava_auth.refusals import (
    AccountsAway,
    LinkSpent,
    PasswordRefused,
    SessionEnded,
    TokenRefused,
    TooManyAttempts,
)
from ava_auth.settings import Settings
from ava_common.log import log
from ava_common.peers import authorities, open_peer


@contextmanager
def _in_our_words(known: Meanings) -> Iterator[None]:
    """Turn what upstream says into our problems; never pass on its words."""
    try:
        yield
    except AuthWeakPasswordError:
        raise PasswordRefused("it is too weak; use a longer one that nobody would guess") from None
    except AuthRetryableError as error:
        log.warning("supabase.away", status=error.status)
        raise AccountsAway from None
    except AuthApiError as error:
        if error.code == "over_request_rate_limit":
            raise TooManyAttempts(60) from None
        if error.code not in known:
            log.error("supabase.unexpected", code=error.code, status=error.status)
            raise AccountsAway(1 if error.code == "conflict" else 5) from None
        if meaning := known[error.code]:
            raise meaning() from None
    except (AuthError, ValidationError) as error:
        log.error("supabase.unreadable", error=type(error).__name__)
        raise AccountsAway from None


class Accounts:
    """Every question to Supabase Auth. `address` is the person's own, as our proxy vouched for it."""

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

    def _forwarding(self, address: str) -> AsyncGoTrueClient:
        """Supabase believes an address only together with a secret key, and limits by it."""
        known = {} if address == UNKNOWN else {"Sb-Forwarded-For": address}
        return self._client(self._secret, **known)

    async def sign_up(self, email: str, password: str, address: str) -> None:
        """Create an account, not saying whether there was one. A session, if given, is ended at once."""
        with _in_our_words(meanings.SIGN_UP):
            made = await self._forwarding(address).sign_up({"email": email, "password": password})
            if made.session:
                await self.log_out(made.session.access_token, "local")

    async def log_in(self, email: str, password: str, address: str) -> Session:
        with _in_our_words(meanings.LOG_IN):
            found = await self._forwarding(address).sign_in_with_password(
                {"email": email, "password": password}
            )
            return _session(found.session)
        raise AccountsAway

    async def refresh(self, refresh_token: str, address: str) -> Session:
        with _in_our_words(meanings.SESSION):
            found = await self._forwarding(address).refresh_session(refresh_token)
            return _session(found.session)
        raise AccountsAway

    async def log_out(self, access_token: str, scope: Scope) -> None:
        """End sessions; one that has already ended is no error."""
        with _in_our_words(dict.fromkeys(meanings.SESSION)):
            await self._client(self._publishable).admin.sign_out(access_token, scope)

    async def person(self, access_token: str) -> Person:
        """Who this is, asked upstream: raises SessionEnded when the session or the account is gone."""
        with _in_our_words(meanings.SESSION):
            found = await self._client(self._publishable).get_user(access_token)
            if found:
                return _person(found.user)
        raise SessionEnded

    async def set_password(self, access_token: str, current: str | None, new: str, address: str) -> bool:
        """Set a new password, which ends all other sessions. False: it was this one already."""
        with _in_our_words(meanings.NEW_PASSWORD):
            client = self._forwarding(address)
            await client.set_session(access_token, "unused")
            wish: UserAttributes = {"password": new}
            if current:
                wish["current_password"] = current
            await client.update_user(wish)
            return True
        return False

    async def recover(self, email: str, address: str) -> None:
        with _in_our_words(meanings.MAIL):
            await self._forwarding(address).reset_password_for_email(email)

    async def resend(self, email: str, address: str) -> None:
        with _in_our_words(meanings.MAIL):
            await self._forwarding(address).resend({"type": "signup", "email": email})

    async def open_link(self, kind: Link, token_hash: str, address: str) -> Session:
        """Redeem the token of a mail, once. Raises LinkSpent."""
        with _in_our_words(meanings.LINK):
            found = await self._forwarding(address).verify_otp({"type": kind, "token_hash": token_hash})
            return _session(found.session)
        raise LinkSpent

    async def answer(self) -> bool:
        """Whether Supabase Auth is there."""
        try:
            found = await self._http.get("/auth/v1/health", headers={"apikey": self._publishable})
        except httpx.HTTPError:
            return False
        return found.is_success

    async def remove(self, person: UUID) -> None:
        """Delete the account and, by cascade, all that is its; one already gone is no error."""
        with _in_our_words({"user_not_found": None}):
            await self._client(self._secret).admin.delete_user(str(person))

    async def in_good_standing(self, person: UUID) -> None:
        """Raises TokenRefused when the account is unknown, deleted or banned."""
        with _in_our_words(meanings.STANDING):
            user = (await self._client(self._secret).admin.get_user_by_id(str(person))).user
            banned = user.banned_until and datetime.fromisoformat(user.banned_until) > datetime.now(UTC)
            if user.deleted_at or banned:
                raise TokenRefused


def _person(user: User) -> Person:
    return Person(UUID(user.id), user.email or "", user.created_at, user.email_confirmed_at)


def _session(given: TheirSession | None) -> Session:
    if given is None:
        raise AccountsAway
    return Session(
        given.access_token,
        given.refresh_token,
        given.expires_in,
        given.expires_at or 0,
        _person(given.user),
    )


@asynccontextmanager
async def open_accounts(settings: Settings) -> AsyncIterator[Accounts]:
    """One HTTP client for all calls: it keeps no cookies and repeats only what was never sent."""
    async with open_peer(
        settings.supabase_url,
        seconds=10,
        transport=httpx.AsyncHTTPTransport(retries=1, verify=authorities()),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    ) as http:
        yield Accounts(settings, http)
