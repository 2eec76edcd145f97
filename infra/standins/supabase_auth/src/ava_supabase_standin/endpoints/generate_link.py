"""POST /admin/generate_link: the link a mail would contain, for callers who send their own mails."""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_supabase_standin import response_bodies
from ava_supabase_standin.accounts import audit_log, passwords, user_rows
from ava_supabase_standin.accounts.caller import admin_role
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError, validation_failed
from ava_supabase_standin.mail import auth_mails
from ava_supabase_standin.requests.audience import request_audience
from ava_supabase_standin.requests.json_body import JsonBody, read_body, validated_email
from ava_supabase_standin.requests.redirect_target import is_allowed, redirect_target
from ava_supabase_standin.resources import resources_of

EMAIL_EXISTS = "A user with this email address has already been registered"
EXISTING_USER_TYPES = ("recovery", "email_change_current", "email_change_new")


class LinkRequest(JsonBody):
    """The body of POST /admin/generate_link."""

    type: str = ""
    email: str = ""
    new_email: str = ""
    password: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    redirect_to: str = ""


async def generate(request: Request) -> Response:
    """200 User with action_link, email_otp, hashed_token, verification_type and redirect_to.

    Unknown users are created for signup, invite and magiclink; 404 user_not_found for the other types.
    """
    async with resources_of(request).pool.acquire() as connection:
        role = await admin_role(connection, request)
        wanted = await read_body(request, LinkRequest)
        email = validated_email(wanted.email)
        user = await user_rows.find_by_email(connection, email, request_audience(request))
        kind = _kind(wanted.type, user)
        password_hash = await _password_hash(request, wanted, kind) if not user else None
        otp = auth_mails.new_otp(request)
        async with connection.transaction():
            if not user:
                user = await user_rows.create(
                    connection,
                    email=email,
                    password_hash=password_hash,
                    audience=request_audience(request),
                    metadata=wanted.data,
                )
                await user_rows.add_identity(connection, user["id"], email, {})
            user, token_hash = await _store_token(connection, request, user, wanted, kind, otp, role)
        body = response_bodies.user_body(user, await user_rows.identities(connection, user["id"]))
        return JSONResponse(body | _link_properties(request, wanted, kind, otp, token_hash))


def _kind(kind: str, user: Record | None) -> str:
    """A magic link for an unknown address is a sign-up; some types need an existing user."""
    if kind not in ("signup", "invite", "magiclink", *EXISTING_USER_TYPES):
        raise validation_failed(f"Invalid email action link type requested: {kind}")
    if not user and kind in EXISTING_USER_TYPES:
        raise AuthError(404, "user_not_found", "User with this email not found")
    if user and kind in ("signup", "invite") and user["email_confirmed_at"]:
        raise AuthError(422, "email_exists", EMAIL_EXISTS)
    return "signup" if kind == "magiclink" and not user else kind


async def _password_hash(request: Request, wanted: LinkRequest, kind: str) -> str | None:
    """The password hash of a user about to be created; an invited one has none yet."""
    if kind == "invite":
        return None
    password = passwords.random_password() if wanted.type == "magiclink" else wanted.password
    if not password:
        raise validation_failed("Signup requires a valid password")
    passwords.check_rules(password, resources_of(request).settings)
    return await resources_of(request).hasher.hash(password)


async def _store_token(
    connection: Connection,
    request: Request,
    user: Record,
    wanted: LinkRequest,
    kind: str,
    otp: str,
    role: str,
) -> tuple[Record, str]:
    """Store the token where /verify looks for it."""
    token_hash, now = auth_mails.token_hash_of(user["email"], otp), user_rows.now()
    if kind in ("magiclink", "recovery"):
        await audit_log.record(connection, user, "user_recovery_requested")
        changes: dict[str, Any] = {"recovery_token": token_hash, "recovery_sent_at": now}
    elif kind in ("signup", "invite"):
        changes = {"confirmation_token": token_hash, "confirmation_sent_at": now}
        if kind == "invite":
            await audit_log.record(connection, role, "user_invited", user_id=str(user["id"]))
            changes["invited_at"] = now
        elif wanted.data:
            await user_rows.merge_metadata(connection, user, "raw_user_meta_data", wanted.data)
    else:
        changes, token_hash = await _store_address_change(connection, user, wanted, kind, otp)
    return await user_rows.update(connection, user["id"], **changes), token_hash


async def _store_address_change(
    connection: Connection, user: Record, wanted: LinkRequest, kind: str, otp: str
) -> tuple[dict[str, Any], str]:
    new_email = validated_email(wanted.new_email)
    other_user = await user_rows.find_by_email(connection, new_email, user["aud"])
    if other_user and other_user["id"] != user["id"]:
        raise AuthError(422, "email_exists", EMAIL_EXISTS)
    current = kind == "email_change_current"
    token_hash = auth_mails.token_hash_of(user["email"] if current else new_email, otp)
    column = "email_change_token_current" if current else "email_change_token_new"
    changes = {"email_change": new_email, "email_change_sent_at": user_rows.now()}
    return changes | {"email_change_confirm_status": 0, column: token_hash}, token_hash


def _link_properties(
    request: Request, wanted: LinkRequest, kind: str, otp: str, token_hash: str
) -> response_bodies.Json:
    allowed = is_allowed(wanted.redirect_to, resources_of(request).settings)
    redirect_to = wanted.redirect_to if allowed else redirect_target(request)
    asked = "email_change" if kind.startswith("email_change") else kind
    return {
        "action_link": auth_mails.confirmation_url(request, asked, token_hash, redirect_to),
        "email_otp": otp,
        "hashed_token": token_hash,
        "verification_type": kind,
        "redirect_to": redirect_to,
    }
