"""Coming in and going out: sign-up, log-in, refresh, log-out, mails and their links."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ava_auth.attempts import Attempt, Kind, digest
from ava_auth.forms import Credentials, OpenedLink
from ava_auth.network import network
from ava_auth.pace import evenly
from ava_auth.passwords import complaints
from ava_auth.people import Session
from ava_auth.refusals import EmailNotConfirmed, LinkSpent, PasswordRefused, SessionEnded, WrongCredentials
from ava_auth.resources import Resources


@asynccontextmanager
async def _counted(here: Resources, kind: Kind, email: str, address: str) -> AsyncIterator[Attempt]:
    """Counted before it is made, and taking equally long whatever comes of it."""
    async with evenly(here.settings.even_seconds), here.attempts.count(kind, address, digest(email)) as made:
        yield made


async def accept_password(here: Resources, password: str, email: str | None, pointer: str) -> None:
    """Raises PasswordRefused, with words, when this password would not protect anybody."""
    reasons = complaints(password, email)
    if not reasons and await here.breaches.knows(password):
        reasons = ["it is known from a data breach"]
    if reasons:
        raise PasswordRefused(*reasons, pointer=pointer)


async def sign_up(here: Resources, who: Credentials, address: str) -> None:
    """Ask for an account; the outcome is the same for a new address and a known one."""
    password = who.password.get_secret_value()
    await accept_password(here, password, who.email, "#/password")
    async with _counted(here, "signup", who.email, address) as attempt:
        await here.accounts.sign_up(who.email, password, address)
        await here.trail.add("signup.asked", account=attempt.account, network=attempt.network)


async def log_in(here: Resources, who: Credentials, address: str) -> Session:
    async with _counted(here, "login", who.email, address) as attempt:
        try:
            session = await here.accounts.log_in(who.email, who.password.get_secret_value(), address)
        except (WrongCredentials, EmailNotConfirmed) as refused:
            await here.trail.add(
                "login.refused", account=attempt.account, network=attempt.network, why=type(refused).__name__
            )
            raise
        await attempt.succeeded()
        await here.trail.add(
            "login.succeeded", person=session.person.id, account=attempt.account, network=attempt.network
        )
        return session


async def refresh(here: Resources, refresh_token: str, address: str) -> Session:
    """New tokens for old; several who ask with the same one at the same time are given the same answer."""
    return await here.refreshes.join(refresh_token, lambda: _refresh(here, refresh_token, address))


async def _refresh(here: Resources, refresh_token: str, address: str) -> Session:
    async with here.attempts.count("refresh", address, None) as attempt:
        try:
            session = await here.accounts.refresh(refresh_token, address)
        except SessionEnded:
            await here.trail.add("refresh.refused", network=attempt.network)
            raise
        await attempt.succeeded()
        return session


async def recover(here: Resources, email: str, address: str) -> None:
    async with _counted(here, "recover", email, address) as attempt:
        await here.accounts.recover(email, address)
        await here.trail.add("recovery.asked", account=attempt.account, network=attempt.network)


async def resend(here: Resources, email: str, address: str) -> None:
    async with _counted(here, "resend", email, address):
        await here.accounts.resend(email, address)


async def open_link(here: Resources, opened: OpenedLink, address: str) -> None:
    """Redeem a mail's link and set the password its reader typed: no earlier one survives."""
    password = opened.new_password.get_secret_value()
    await accept_password(here, password, None, "#/new_password")
    async with here.attempts.count("verify", address, None) as attempt:
        try:
            session = await here.accounts.open_link(
                opened.type, opened.token_hash.get_secret_value(), address
            )
        except LinkSpent:
            await here.trail.add("link.refused", network=attempt.network, type=opened.type)
            raise
        try:
            await here.accounts.set_password(session.access_token, None, password, address)
        finally:
            await here.accounts.log_out(session.access_token, "global")
        await attempt.succeeded()
    event = "signup.confirmed" if opened.type == "signup" else "recovery.completed"
    account = digest(session.person.email)
    await here.trail.add(event, person=session.person.id, account=account, network=network(address))
