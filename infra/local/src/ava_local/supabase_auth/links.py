"""POST /admin/generate_link: the link a mail would carry, for whoever sends mails themselves."""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.supabase_auth import accounts, audit, bearer, bodies, mails, passwords
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.requests import (
    Body,
    audience_of,
    email_of,
    here,
    may_return_to,
    read,
    return_address,
)

TAKEN = "A user with this email address has already been registered"
NEED_SOMEONE = ("recovery", "email_change_current", "email_change_new")


class Link(Body):
    """The body of generate_link."""

    type: str = ""
    email: str = ""
    new_email: str = ""
    password: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    redirect_to: str = ""


async def generate(request: Request) -> Response:
    """200 User with action_link, email_otp, hashed_token, verification_type and redirect_to.

    Unknown people are made for signup, invite and magiclink; 404 user_not_found for the other kinds.
    """
    async with here(request).pool.acquire() as connection:
        role = await bearer.administrator(connection, request)
        wanted = await read(request, Link)
        email = email_of(wanted.email)
        user = await accounts.find_by_email(connection, email, audience_of(request))
        kind = _kind(wanted.type, user)
        hashed = await _hashed(request, wanted, kind) if not user else None
        otp = mails.new_otp(request)
        async with connection.transaction():
            if not user:
                user = await accounts.create(
                    connection,
                    email=email,
                    hashed=hashed,
                    audience=audience_of(request),
                    metadata=wanted.data,
                )
                await accounts.add_identity(connection, user["id"], email, {})
            user, token_hash = await _store(connection, request, user, wanted, kind, otp, role)
        body = bodies.user_body(user, await accounts.identities(connection, user["id"]))
        return JSONResponse(body | _properties(request, wanted, kind, otp, token_hash))


def _kind(kind: str, user: Record | None) -> str:
    """A magic link for an unknown address is a sign-up; some kinds need somebody."""
    if kind not in ("signup", "invite", "magiclink", *NEED_SOMEONE):
        raise invalid(f"Invalid email action link type requested: {kind}")
    if not user and kind in NEED_SOMEONE:
        raise Refusal(404, "user_not_found", "User with this email not found")
    if user and kind in ("signup", "invite") and user["email_confirmed_at"]:
        raise Refusal(422, "email_exists", TAKEN)
    return "signup" if kind == "magiclink" and not user else kind


async def _hashed(request: Request, wanted: Link, kind: str) -> str | None:
    """The password of a person who is about to be made; an invited one has none yet."""
    if kind == "invite":
        return None
    password = passwords.random_password() if wanted.type == "magiclink" else wanted.password
    if not password:
        raise invalid("Signup requires a valid password")
    passwords.judge(password, here(request).settings)
    return await here(request).hasher.hash(password)


async def _store(
    connection: Connection, request: Request, user: Record, wanted: Link, kind: str, otp: str, role: str
) -> tuple[Record, str]:
    """Put the token where verify will look for it."""
    token_hash, now = mails.hash_of(user["email"], otp), accounts.now()
    if kind in ("magiclink", "recovery"):
        await audit.note(connection, user, "user_recovery_requested")
        changes: dict[str, Any] = {"recovery_token": token_hash, "recovery_sent_at": now}
    elif kind in ("signup", "invite"):
        changes = {"confirmation_token": token_hash, "confirmation_sent_at": now}
        if kind == "invite":
            await audit.note(connection, role, "user_invited", user_id=str(user["id"]))
            changes["invited_at"] = now
        elif wanted.data:
            await accounts.merge(connection, user, "raw_user_meta_data", wanted.data)
    else:
        changes, token_hash = await _address_change(connection, user, wanted, kind, otp)
    return await accounts.update(connection, user["id"], **changes), token_hash


async def _address_change(
    connection: Connection, user: Record, wanted: Link, kind: str, otp: str
) -> tuple[dict[str, Any], str]:
    new_email = email_of(wanted.new_email)
    holder = await accounts.find_by_email(connection, new_email, user["aud"])
    if holder and holder["id"] != user["id"]:
        raise Refusal(422, "email_exists", TAKEN)
    current = kind == "email_change_current"
    token_hash = mails.hash_of(user["email"] if current else new_email, otp)
    column = "email_change_token_current" if current else "email_change_token_new"
    changes = {"email_change": new_email, "email_change_sent_at": accounts.now()}
    return changes | {"email_change_confirm_status": 0, column: token_hash}, token_hash


def _properties(request: Request, wanted: Link, kind: str, otp: str, token_hash: str) -> bodies.Json:
    allowed = may_return_to(wanted.redirect_to, here(request).settings)
    redirect_to = wanted.redirect_to if allowed else return_address(request)
    asked = "email_change" if kind.startswith("email_change") else kind
    return {
        "action_link": mails.confirmation_url(request, asked, token_hash, redirect_to),
        "email_otp": otp,
        "hashed_token": token_hash,
        "verification_type": kind,
        "redirect_to": redirect_to,
    }
