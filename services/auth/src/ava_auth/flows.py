"""The flows that programs and browsers share: sign-up, log-in, refresh, e-mails and their links.

Decisions 0061, 0063, 0115 and 0133.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from ava_auth.bookkeeping import recording
from ava_auth.password_policy import violations
from ava_auth.problems import EmailNotConfirmed, LinkSpent, PasswordRefused, WrongCredentials
from ava_auth.resources import Resources
from ava_auth.schemas import Credentials, OpenedLink
from ava_auth.throttle import Attempt, Kind, account_digest
from ava_auth.user_and_session import Session
from ava_common.client_ip import network_of
from ava_common.live_sessions import SessionEnded
from ava_common.text import flaw


@asynccontextmanager
async def _throttled(resources: Resources, kind: Kind, email: str, client_ip: str) -> AsyncIterator[Attempt]:
    """Counted before it is made; then waiting as long, and taking as long, as for any other account."""
    counted = resources.throttle.attempt(kind, client_ip, account_digest(email))
    async with counted as attempt, resources.queue_for(kind).turn(attempt.network):
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
    confirms = await resources.project.confirm_addresses()
    async with _throttled(resources, "signup", who.email, client_ip) as attempt:
        signing_up = resources.supabase.sign_up(who.email, password, client_ip)
        # Without confirming one logs in next, and who has an account shows then anyway: decision 0003.
        going_on = await resources.passwords.without_waiting(signing_up, unless=not confirms)
        async with recording("signup.asked"):
            await resources.audit_log.add("signup.asked", account=attempt.account, network=attempt.network)
    if confirms:
        await resources.passwords.wait_as_long(going_on)


async def log_in(resources: Resources, who: Credentials, client_ip: str) -> Session:
    async with _throttled(resources, "login", who.email, client_ip) as attempt:
        record = partial(resources.audit_log.add, account=attempt.account, network=attempt.network)
        try:
            session = await resources.supabase.log_in(who.email, who.password.get_secret_value(), client_ip)
        except (WrongCredentials, EmailNotConfirmed) as refused:
            await record("login.refused", why=type(refused).__name__)
            raise
        await attempt.succeeded()
        async with recording("login.succeeded"):
            await record("login.succeeded", user_id=session.user.id)
        return session


async def refresh(resources: Resources, refresh_token: str, client_ip: str) -> Session:
    """Exchange a refresh token; simultaneous requests with the same one get the same answer."""
    if flaw(refresh_token):  # a cookie, unlike a field of a body, is not checked before
        raise SessionEnded
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
        await resources.mails.without_waiting(resources.supabase.recover(email, client_ip))
        async with recording("recovery.asked"):
            await resources.audit_log.add("recovery.asked", account=attempt.account, network=attempt.network)


async def resend(resources: Resources, email: str, client_ip: str) -> None:
    async with _throttled(resources, "resend", email, client_ip):
        await resources.mails.without_waiting(resources.supabase.resend(email, client_ip))


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
        changed = False
        try:
            changed = await resources.supabase.set_password(session.access_token, None, password, client_ip)
        finally:
            # A new password has ended all other sessions already; the same one has not.
            end = resources.supabase.close if changed else resources.supabase.log_out
            with resources.sessions.ending():
                await end(session.access_token, "global")
        await attempt.succeeded()
    event = "signup.confirmed" if opened.type == "signup" else "recovery.completed"
    async with recording(event):
        await resources.audit_log.add(
            event,
            user_id=session.user.id,
            account=account_digest(session.user.email),
            network=network_of(client_ip),
        )
