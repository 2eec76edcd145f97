"""Redeeming one-time tokens: whose it is, whether it still counts, what it changes."""

from datetime import timedelta

from starlette.requests import Request

from ava_local.supabase_auth import accounts, audit
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.mails import PKCE
from ava_local.supabase_auth.passwords import random_password
from ava_local.supabase_auth.requests import audience_of, here

COLUMNS = {
    "signup": ("confirmation_token",),
    "invite": ("confirmation_token",),
    "recovery": ("recovery_token",),
    "magiclink": ("recovery_token",),
    "email": ("confirmation_token", "recovery_token"),
    "email_change": ("email_change_token_current", "email_change_token_new"),
}
SENT = {
    "confirmation_token": "confirmation_sent_at",
    "recovery_token": "recovery_sent_at",
    "email_change_token_current": "email_change_sent_at",
    "email_change_token_new": "email_change_sent_at",
}


async def redeem(
    connection: Connection, request: Request, kind: str, token_hash: str, email: str = ""
) -> Record | None:
    """The person the token lets in, or None when the other half of an address change is still missing.

    Raises 403 otp_expired for anything wrong, used or old, 403 user_banned, 400 for an unknown kind.
    """
    if kind not in COLUMNS:
        raise invalid("Invalid email verification type")
    user, column = await _holder(connection, request, kind, token_hash, email)
    if column == "confirmation_token":
        user = await _sign_up(connection, request, user)
    elif column == "recovery_token":
        user = await _recover(connection, user)
    else:
        changed = await _change_email(connection, request, user, column)
        if not changed:
            return None
        user = changed
    return await accounts.name_providers(connection, user)


async def _holder(
    connection: Connection, request: Request, kind: str, token_hash: str, email: str
) -> tuple[Record, str]:
    """Who holds the token, and in which column."""
    wrong = "Token has expired or is invalid" if email else "Email link is invalid or has expired"
    if email and kind != "email_change":
        known = await accounts.find_by_email(connection, email, audience_of(request))
        _refuse_banned(known)
    hashes = (token_hash, PKCE + token_hash) if email else (token_hash,)
    for candidate in hashes:
        user = await accounts.find_by_token(connection, COLUMNS[kind], candidate)
        if user:
            _refuse_banned(user)
            column = next(name for name in COLUMNS[kind] if user[name] == candidate)
            if _is_fresh(request, user, column):
                return user, column
    raise Refusal(403, "otp_expired", wrong)


def _refuse_banned(user: Record | None) -> None:
    if user and accounts.is_banned(user):
        raise Refusal(403, "user_banned", "User is banned")


def _is_fresh(request: Request, user: Record, column: str) -> bool:
    sent_at = user[SENT[column]]
    life = timedelta(seconds=here(request).settings.mailer_otp_exp)
    return sent_at is not None and accounts.now() <= sent_at + life


async def _sign_up(connection: Connection, request: Request, user: Record) -> Record:
    """Confirm the address; someone invited without password gets one that nobody knows."""
    if not user["encrypted_password"] and user["invited_at"]:
        hashed = await here(request).hasher.hash(random_password())
        await accounts.update(connection, user["id"], encrypted_password=hashed, **accounts.NO_TOKENS)
    await audit.note(connection, user, "user_signedup", provider="email")
    user = await accounts.confirm(connection, user)
    await accounts.change_identity(connection, user["id"], {"email_verified": True})
    return user


async def _recover(connection: Connection, user: Record) -> Record:
    """Spend the token; who can read the mailbox has confirmed it as well."""
    user = await accounts.update(connection, user["id"], recovery_token="")
    await audit.note(connection, user, "login" if user["email_confirmed_at"] else "user_signedup")
    return user if user["email_confirmed_at"] else await accounts.confirm(connection, user)


async def _change_email(connection: Connection, request: Request, user: Record, column: str) -> Record | None:
    settings = here(request).settings
    both_needed = settings.mailer_secure_email_change and not settings.mailer_autoconfirm
    if both_needed and user["email"] and user["email_change_confirm_status"] == 0:
        await accounts.update(connection, user["id"], email_change_confirm_status=1, **{column: ""})
        return None
    await audit.note(connection, user, "user_modified")
    email = user["email_change"]
    changes = {"email": email, "email_verified": True}
    if not await accounts.change_identity(connection, user["id"], changes):
        await accounts.add_identity(connection, user["id"], email, {}, verified=True)
    moved = await accounts.update(
        connection,
        user["id"],
        email=email,
        email_change="",
        email_change_token_current="",
        email_change_token_new="",
        email_change_confirm_status=0,
    )
    return moved if moved["email_confirmed_at"] else await accounts.confirm(connection, moved)
