"""The flows that programs and browsers share: sign-up, log-in, refresh, e-mails and their links.

Decisions 0061, 0063 and 0115.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from ava_auth.password_policy import violations
from ava_auth.problems import EmailNotConfirmed, LinkSpent, PasswordRefused, WrongCredentials
from ava_auth.resources import Resources
from ava_auth.schemas import Credentials, OpenedLink
from ava_auth.throttle import Attempt, Kind, account_digest
from ava_auth.user_and_session import Session
from ava_common.client_ip import network_of
from ava_common.live_sessions import SessionEnded


@asynccontextmanager
async def _throttled(resources: Resources, kind: Kind, email: str, client_ip: str) -> AsyncIterator[Attempt]:
    """Counted before it is made; then waiting as long, and taking as long, as for any other account."""
    counted = resources.throttle.attempt(kind, client_ip, account_digest(email))
    async with counted as attempt, resources.queue_for(kind).turn():
        yield attempt


async def accept_password(resources: Resources, password: str, email: str | None, pointer: str) -> None:
    """Raises PasswordRefused, with the reasons, when this password is too easy to guess."""
    reasons = violations(password, email)
    if not reasons and await resources.pwned_passwords.contains(password):
        reasons = ["it is known from a data breach"]
    if reasons:
        raise PasswordRefused(*reasons, pointer=pointer)


async def sign_up(resources: Resources, who: Credentials, client_ip: str) -> None:
    """Ask for an account; the outcome is the same for a new address and a known one."""
    password = who.password.get_secret_value()
    await accept_password(resources, password, who.email, "#/password")
    async with _throttled(resources, "signup", who.email, client_ip) as attempt:
        await resources.supabase.sign_up(who.email, password, client_ip)
        await resources.audit_log.add("signup.asked", account=attempt.account, network=attempt.network)


async def log_in(resources: Resources, who: Credentials, client_ip: str) -> Session:
    async with _throttled(resources, "login", who.email, client_ip) as attempt:
        record = partial(resources.audit_log.add, account=attempt.account, network=attempt.network)
        try:
            session = await resources.supabase.log_in(who.email, who.password.get_secret_value(), client_ip)
        except (WrongCredentials, EmailNotConfirmed) as refused:
            await record("login.refused", why=type(refused).__name__)
            raise
        await attempt.succeeded()
        await record("login.succeeded", user_id=session.user.id)
        return session


async def refresh(resources: Resources, refresh_token: str, client_ip: str) -> Session:
    """Exchange a refresh token; simultaneous requests with the same one get the same answer."""
    return await resources.refreshes.run(refresh_token, lambda: _refresh(resources, refresh_token, client_ip))


async def _refresh(resources: Resources, refresh_token: str, client_ip: str) -> Session:
    async with resources.throttle.attempt("refresh", client_ip, None) as attempt:
        try:
            session = await resources.supabase.refresh(refresh_token, client_ip)
        except SessionEnded:
            await resources.audit_log.add("refresh.refused", network=attempt.network)
            raise
        await attempt.succeeded()
        return session


async def recover(resources: Resources, email: str, client_ip: str) -> None:
    async with _throttled(resources, "recover", email, client_ip) as attempt:
        await resources.supabase.recover(email, client_ip)
        await resources.audit_log.add("recovery.asked", account=attempt.account, network=attempt.network)


async def resend(resources: Resources, email: str, client_ip: str) -> None:
    async with _throttled(resources, "resend", email, client_ip):
        await resources.supabase.resend(email, client_ip)


async def open_link(resources: Resources, opened: OpenedLink, client_ip: str) -> None:
    """Redeem the link of an e-mail and set the password its reader typed: no earlier one survives."""
    password = opened.new_password.get_secret_value()
    await accept_password(resources, password, None, "#/new_password")
    async with resources.throttle.attempt("verify", client_ip, None) as attempt:
        try:
            session = await resources.supabase.open_link(
                opened.type, opened.token_hash.get_secret_value(), client_ip
            )
        except LinkSpent:
            await resources.audit_log.add("link.refused", network=attempt.network, type=opened.type)
            raise
        try:
            await resources.supabase.set_password(session.access_token, None, password, client_ip)
        finally:
            await resources.supabase.log_out(session.access_token, "global")
            resources.sessions.forget()
        await attempt.succeeded()
    event = "signup.confirmed" if opened.type == "signup" else "recovery.completed"
    await resources.audit_log.add(
        event,
        user_id=session.user.id,
        account=account_digest(session.user.email),
        network=network_of(client_ip),
    )
