"""Redeems one-time tokens: finds the user, checks the age, applies the effect."""

from datetime import timedelta

from starlette.requests import Request

from ava_supabase_standin.accounts import audit_log, user_rows
from ava_supabase_standin.accounts.passwords import random_password
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError, validation_failed
from ava_supabase_standin.mail.auth_mails import PKCE_PREFIX
from ava_supabase_standin.requests.audience import request_audience
from ava_supabase_standin.resources import resources_of

TOKEN_COLUMNS = {
    "signup": ("confirmation_token",),
    "invite": ("confirmation_token",),
    "recovery": ("recovery_token",),
    "magiclink": ("recovery_token",),
    "email": ("confirmation_token", "recovery_token"),
    "email_change": ("email_change_token_current", "email_change_token_new"),
}
SENT_AT_COLUMNS = {
    "confirmation_token": "confirmation_sent_at",
    "recovery_token": "recovery_sent_at",
    "email_change_token_current": "email_change_sent_at",
    "email_change_token_new": "email_change_sent_at",
}


async def redeem(
    connection: Connection, request: Request, kind: str, token_hash: str, email: str = ""
) -> Record | None:
    """The user of the token, or None while the other address of an e-mail change must still confirm.

    Raises 403 otp_expired for invalid, used or expired tokens, 403 user_banned, 400 for an unknown type.
    """
    if kind not in TOKEN_COLUMNS:
        raise validation_failed("Invalid email verification type")
    user, column = await _find_user(connection, request, kind, token_hash, email)
    if column == "confirmation_token":
        user = await _confirm_signup(connection, request, user)
    elif column == "recovery_token":
        user = await _recover(connection, user)
    else:
        changed = await _change_email(connection, request, user, column)
        if not changed:
            return None
        user = changed
    return await user_rows.update_providers(connection, user)


async def _find_user(
    connection: Connection, request: Request, kind: str, token_hash: str, email: str
) -> tuple[Record, str]:
    """The user with this token, and the column it is in."""
    wrong = "Token has expired or is invalid" if email else "Email link is invalid or has expired"
    if email and kind != "email_change":
        known = await user_rows.find_by_email(connection, email, request_audience(request))
        _reject_banned(known)
    hashes = (token_hash, PKCE_PREFIX + token_hash) if email else (token_hash,)
    for candidate in hashes:
        user = await user_rows.find_by_token(connection, TOKEN_COLUMNS[kind], candidate)
        if user:
            _reject_banned(user)
            column = next(name for name in TOKEN_COLUMNS[kind] if user[name] == candidate)
            if _is_unexpired(request, user, column):
                return user, column
    raise AuthError(403, "otp_expired", wrong)


def _reject_banned(user: Record | None) -> None:
    if user and user_rows.is_banned(user):
        raise AuthError(403, "user_banned", "User is banned")


def _is_unexpired(request: Request, user: Record, column: str) -> bool:
    sent_at = user[SENT_AT_COLUMNS[column]]
    lifetime = timedelta(seconds=resources_of(request).settings.mailer_otp_exp)
    return sent_at is not None and user_rows.now() <= sent_at + lifetime


async def _confirm_signup(connection: Connection, request: Request, user: Record) -> Record:
    """Confirm the address; a user invited without a password gets an unknown random one."""
    if not user["encrypted_password"] and user["invited_at"]:
        hashed = await resources_of(request).hasher.hash(random_password())
        await user_rows.update(connection, user["id"], encrypted_password=hashed, **user_rows.CLEARED_TOKENS)
    await audit_log.record(connection, user, "user_signedup", provider="email")
    user = await user_rows.confirm_email(connection, user)
    await user_rows.update_identity(connection, user["id"], {"email_verified": True})
    return user


async def _recover(connection: Connection, user: Record) -> Record:
    """Use up the token; receiving the mail also confirms the address."""
    user = await user_rows.update(connection, user["id"], recovery_token="")
    await audit_log.record(connection, user, "login" if user["email_confirmed_at"] else "user_signedup")
    return user if user["email_confirmed_at"] else await user_rows.confirm_email(connection, user)


async def _change_email(connection: Connection, request: Request, user: Record, column: str) -> Record | None:
    settings = resources_of(request).settings
    both_needed = settings.mailer_secure_email_change and not settings.mailer_autoconfirm
    if both_needed and user["email"] and user["email_change_confirm_status"] == 0:
        await user_rows.update(connection, user["id"], email_change_confirm_status=1, **{column: ""})
        return None
    await audit_log.record(connection, user, "user_modified")
    email = user["email_change"]
    changes = {"email": email, "email_verified": True}
    if not await user_rows.update_identity(connection, user["id"], changes):
        await user_rows.add_identity(connection, user["id"], email, {}, verified=True)
    moved = await user_rows.update(
        connection,
        user["id"],
        email=email,
        email_change="",
        email_change_token_current="",
        email_change_token_new="",
        email_change_confirm_status=0,
    )
    return moved if moved["email_confirmed_at"] else await user_rows.confirm_email(connection, moved)
