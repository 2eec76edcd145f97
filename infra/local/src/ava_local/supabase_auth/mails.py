"""One-time tokens and the mails that carry them: confirmation, recovery, address change, reauthentication."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from starlette.requests import Request

from ava_local.supabase_auth import accounts
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.outbox import Mail
from ava_local.supabase_auth.requests import Body, here, return_address

SUBJECTS = {
    "signup": "Confirm your email address",
    "recovery": "Reset your password",
    "email_change": "Confirm the change of your email address",
    "reauthentication": "Confirm that it is you",
}
PKCE = "pkce_"
CHALLENGE = re.compile(r"[a-zA-Z0-9._~-]+")


class Challenge(Body):
    """What the PKCE flow adds to a body."""

    code_challenge: str = ""
    code_challenge_method: str = ""

    def prefix(self) -> str:
        """`pkce_` for the tokens of that flow; 400 for half a challenge or one that cannot be right."""
        if bool(self.code_challenge) != bool(self.code_challenge_method):
            raise invalid("PKCE flow requires code_challenge_method and code_challenge")
        if not self.code_challenge:
            return ""
        if not 43 <= len(self.code_challenge) <= 128:
            raise invalid("code challenge has to be between 43 and 128 characters")
        if not CHALLENGE.fullmatch(self.code_challenge):
            raise invalid(
                "code challenge can only contain alphanumeric characters, "
                "hyphens, periods, underscores and tildes"
            )
        return PKCE


async def send_confirmation(
    connection: Connection, request: Request, user: Record, prefix: str = ""
) -> Record:
    """Mail a link that confirms the address; 429 within a minute of the last one."""
    otp, token_hash = _make(request, user["email"], user["confirmation_sent_at"], prefix)
    _put(request, user["email"], "signup", otp, token_hash)
    return await accounts.update(
        connection, user["id"], confirmation_token=token_hash, confirmation_sent_at=accounts.now()
    )


async def send_recovery(connection: Connection, request: Request, user: Record, prefix: str = "") -> Record:
    """Mail a link that logs in once, to set a new password."""
    otp, token_hash = _make(request, user["email"], user["recovery_sent_at"], prefix)
    _put(request, user["email"], "recovery", otp, token_hash)
    return await accounts.update(
        connection, user["id"], recovery_token=token_hash, recovery_sent_at=accounts.now()
    )


async def send_email_change(
    connection: Connection, request: Request, user: Record, email: str, prefix: str = ""
) -> Record:
    """Mail the new address and, in secure mode, the old one as well: both have to agree."""
    otp, new_hash = _make(request, email, user["email_change_sent_at"], prefix)
    _put(request, email, "email_change", otp, new_hash)
    current_hash = user["email_change_token_current"]
    if here(request).settings.mailer_secure_email_change and user["email"]:
        otp = new_otp(request)
        current_hash = prefix + hash_of(user["email"], otp)
        _put(request, user["email"], "email_change", otp, current_hash)
    return await accounts.update(
        connection,
        user["id"],
        email_change=email,
        email_change_token_new=new_hash,
        email_change_token_current=current_hash,
        email_change_confirm_status=0,
        email_change_sent_at=accounts.now(),
    )


async def send_reauthentication(connection: Connection, request: Request, user: Record) -> None:
    """Mail a code that allows one change of password."""
    otp, token_hash = _make(request, user["email"], user["reauthentication_sent_at"], "")
    _put(request, user["email"], "reauthentication", otp, token_hash)
    await accounts.update(
        connection, user["id"], reauthentication_token=token_hash, reauthentication_sent_at=accounts.now()
    )


def new_otp(request: Request) -> str:
    """Digits to type."""
    length = here(request).settings.mailer_otp_length
    return f"{secrets.randbelow(10**length):0{length}}"


def hash_of(email: str, otp: str) -> str:
    """What the database keeps and what links carry: hex SHA-224 of address and code."""
    return hashlib.sha224(f"{email}{otp}".encode()).hexdigest()


def confirmation_url(request: Request, kind: str, token_hash: str, redirect_to: str) -> str:
    """The original's own link, which confirms on GET."""
    query = urlencode({"token": token_hash, "type": kind, "redirect_to": redirect_to}, quote_via=quote)
    return f"{here(request).settings.api_url}/verify?{query}"


def _make(request: Request, email: str, sent_at: datetime | None, prefix: str) -> tuple[str, str]:
    """A code and its hash, unless a mail of this kind went out a moment ago or the hour's share is spent."""
    settings = here(request).settings
    wait = (
        (sent_at + timedelta(seconds=settings.smtp_max_frequency) - accounts.now())
        if sent_at
        else timedelta()
    )
    if wait > timedelta():
        message = (
            f"For security purposes, you can only request this after {int(wait.total_seconds())} seconds."
        )
        raise Refusal(429, "over_email_send_rate_limit", message)
    if not settings.mailer_autoconfirm:
        here(request).limits.take_mail()
    otp = new_otp(request)
    return otp, prefix + hash_of(email, otp)


def _put(request: Request, to: str, kind: str, otp: str, token_hash: str) -> None:
    settings, redirect_to = here(request).settings, return_address(request)
    values = {
        "site_url": settings.site_url.rstrip("/"),
        "type": kind,
        "token": otp,
        "token_hash": token_hash,
        "email": quote(to),
        "redirect_to": quote(redirect_to, safe=""),
        "confirmation_url": confirmation_url(request, kind, token_hash, redirect_to),
    }
    link = settings.link_template
    for name, value in values.items():
        link = link.replace(f"{{{name}}}", value)
    link = "" if kind == "reauthentication" else link
    here(request).outbox.put(Mail(to, kind, SUBJECTS[kind], otp, token_hash, link))
