"""Creates one-time tokens and the e-mails that carry them, and the fields of the PKCE flow.

Decision 0020. See docs/contracts/supabase-auth.md#e-mails-and-links.
"""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from starlette.requests import Request

from ava_supabase_standin.accounts import user_rows
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError, validation_failed
from ava_supabase_standin.mail.mail_catcher import Mail
from ava_supabase_standin.requests.json_body import JsonBody
from ava_supabase_standin.requests.redirect_target import redirect_target
from ava_supabase_standin.resources import resources_of

SUBJECTS = {
    "signup": "Confirm your email address",
    "recovery": "Reset your password",
    "email_change": "Confirm your new email address",
    "reauthentication": "Confirm it's you",
}
PKCE_PREFIX = "pkce_"
CHALLENGE_PATTERN = re.compile(r"[a-zA-Z0-9._~-]+")


class PkceChallenge(JsonBody):
    """The fields the PKCE flow adds to a body."""

    code_challenge: str = ""
    code_challenge_method: str = ""

    def prefix(self) -> str:
        """`pkce_` for the tokens of that flow; 400 for an incomplete or invalid challenge."""
        if bool(self.code_challenge) != bool(self.code_challenge_method):
            raise validation_failed("PKCE flow requires code_challenge_method and code_challenge")
        if not self.code_challenge:
            return ""
        if not 43 <= len(self.code_challenge) <= 128:
            raise validation_failed("code challenge has to be between 43 and 128 characters")
        if not CHALLENGE_PATTERN.fullmatch(self.code_challenge):
            raise validation_failed(
                "code challenge can only contain alphanumeric characters, "
                "hyphens, periods, underscores and tildes"
            )
        return PKCE_PREFIX


async def send_confirmation(
    connection: Connection, request: Request, user: Record, prefix: str = ""
) -> Record:
    """Mail a link that confirms the address; 429 within a minute of the last mail."""
    otp, token_hash = _new_token(request, user["email"], user["confirmation_sent_at"], prefix)
    _capture_mail(request, user["email"], "signup", otp, token_hash)
    return await user_rows.update(
        connection, user["id"], confirmation_token=token_hash, confirmation_sent_at=user_rows.now()
    )


async def send_recovery(connection: Connection, request: Request, user: Record, prefix: str = "") -> Record:
    """Mail a link that logs in once, to set a new password."""
    otp, token_hash = _new_token(request, user["email"], user["recovery_sent_at"], prefix)
    _capture_mail(request, user["email"], "recovery", otp, token_hash)
    return await user_rows.update(
        connection, user["id"], recovery_token=token_hash, recovery_sent_at=user_rows.now()
    )


async def send_email_change(
    connection: Connection, request: Request, user: Record, email: str, prefix: str = ""
) -> Record:
    """Mail the new address and, in secure mode, the old one as well: both must confirm."""
    otp, new_hash = _new_token(request, email, user["email_change_sent_at"], prefix)
    _capture_mail(request, email, "email_change", otp, new_hash)
    current_hash = user["email_change_token_current"]
    if resources_of(request).settings.mailer_secure_email_change and user["email"]:
        otp = new_otp(request)
        current_hash = prefix + token_hash_of(user["email"], otp)
        _capture_mail(request, user["email"], "email_change", otp, current_hash)
    return await user_rows.update(
        connection,
        user["id"],
        email_change=email,
        email_change_token_new=new_hash,
        email_change_token_current=current_hash,
        email_change_confirm_status=0,
        email_change_sent_at=user_rows.now(),
    )


async def send_reauthentication(connection: Connection, request: Request, user: Record) -> None:
    """Mail a code that allows one password change."""
    otp, token_hash = _new_token(request, user["email"], user["reauthentication_sent_at"], "")
    _capture_mail(request, user["email"], "reauthentication", otp, token_hash)
    await user_rows.update(
        connection, user["id"], reauthentication_token=token_hash, reauthentication_sent_at=user_rows.now()
    )


def new_otp(request: Request) -> str:
    """A code of digits to type in."""
    length = resources_of(request).settings.mailer_otp_length
    return f"{secrets.randbelow(10**length):0{length}}"


def token_hash_of(email: str, otp: str) -> str:
    """What the database stores and links carry: the hex SHA-224 of address and code."""
    return hashlib.sha224(f"{email}{otp}".encode()).hexdigest()


def confirmation_url(request: Request, kind: str, token_hash: str, redirect_to: str) -> str:
    """GoTrue's own link, which confirms on GET; a return address is only encoded where it must be."""
    back = quote(redirect_to, safe="") if set(redirect_to) & set("&=#") else redirect_to
    query = urlencode({"token": token_hash, "type": kind}, quote_via=quote)
    return f"{resources_of(request).settings.api_url}/verify?{query}&redirect_to={back}"


def _new_token(request: Request, email: str, sent_at: datetime | None, prefix: str) -> tuple[str, str]:
    """A code and its hash; 429 if such a mail was sent a moment ago or the hourly limit is reached."""
    settings = resources_of(request).settings
    wait = (
        (sent_at + timedelta(seconds=settings.smtp_max_frequency) - user_rows.now())
        if sent_at
        else timedelta()
    )
    if wait > timedelta():
        message = (
            f"For security purposes, you can only request this after {int(wait.total_seconds())} seconds."
        )
        raise AuthError(429, "over_email_send_rate_limit", message)
    if not settings.mailer_autoconfirm:
        resources_of(request).rate_limiter.consume_mail()
    otp = new_otp(request)
    return otp, prefix + token_hash_of(email, otp)


def _capture_mail(request: Request, to: str, kind: str, otp: str, token_hash: str) -> None:
    settings, redirect_to = resources_of(request).settings, redirect_target(request)
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
    resources_of(request).mail_catcher.add(Mail(to, kind, SUBJECTS[kind], otp, token_hash, link))
