"""GET and PUT /user, POST /logout, GET /reauthenticate: users manage their own account.

See docs/contracts/supabase-auth.md#own-account and
docs/contracts/supabase-auth.md#log-out.
"""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_supabase_standin import response_bodies
from ava_supabase_standin.accounts import audit_log, passwords, sessions, user_rows
from ava_supabase_standin.accounts.caller import Caller, current_caller
from ava_supabase_standin.accounts.password_change import set_password
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError, validation_failed
from ava_supabase_standin.mail import auth_mails
from ava_supabase_standin.mail.auth_mails import PkceChallenge
from ava_supabase_standin.requests.audience import request_audience, token_audience
from ava_supabase_standin.requests.client_address import rate_limit_address
from ava_supabase_standin.requests.json_body import read_body, validated_email
from ava_supabase_standin.resources import resources_of

RECENT_SESSION = timedelta(hours=24)


class UserUpdate(PkceChallenge):
    """The body of PUT /user."""

    email: str = ""
    password: str | None = None
    current_password: str = ""
    nonce: str = ""
    data: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None
    phone: str = ""


async def get(request: Request) -> Response:
    """200 User: the authoritative check whether a token is still valid."""
    async with resources_of(request).pool.acquire() as connection:
        caller = await current_caller(connection, request)
        audience = token_audience(caller.claims)
        if not audience or request_audience(request, caller.claims) != audience:
            raise validation_failed("Token audience doesn't match request audience")
        return await _user(connection, caller.user)


async def update(request: Request) -> Response:
    """200 User after changing password, address or metadata; nothing changes if any part is rejected."""
    async with resources_of(request).pool.acquire() as connection:
        caller = await current_caller(connection, request)
        resources_of(request).rate_limiter.consume("user", rate_limit_address(request))
        wanted = await read_body(request, UserUpdate)
        email = await _validated_email(connection, request, caller, wanted)
        password_hash = await _new_hash(connection, request, caller, wanted)
        async with connection.transaction():
            user = caller.user
            if wanted.password is not None:
                user = await set_password(connection, user, password_hash, caller.session)
                await audit_log.record(connection, user, "user_updated_password")
            if wanted.data is not None:
                user = await user_rows.merge_metadata(connection, user, "raw_user_meta_data", wanted.data)
            if email and email != user["email"]:
                user = await auth_mails.send_email_change(connection, request, user, email, wanted.prefix())
            await audit_log.record(connection, user, "user_modified")
        return await _user(connection, user)


async def logout(request: Request) -> Response:
    """204; scope global (default), local or others. A token without session always means global."""
    scope = request.query_params.get("scope") or "global"
    async with resources_of(request).pool.acquire() as connection:
        caller = await current_caller(connection, request)
        if scope not in ("global", "local", "others"):
            raise validation_failed(f'Unsupported logout scope "{scope}"')
        async with connection.transaction():
            await audit_log.record(connection, caller.user, "logout")
            await sessions.end_sessions(connection, caller.user["id"], caller.session_id, scope)
    return Response(status_code=204)


async def reauthenticate(request: Request) -> Response:
    """200 {} and a mail with a nonce for PUT /user."""
    async with resources_of(request).pool.acquire() as connection:
        user = (await current_caller(connection, request)).user
        if not user["email"]:
            raise validation_failed("Reauthentication requires the user to have an email or a phone number")
        if not user["email_confirmed_at"]:
            raise AuthError(422, "email_not_confirmed", "Please verify your email first.")
        async with connection.transaction():
            await audit_log.record(connection, user, "user_reauthenticate_requested")
            await auth_mails.send_reauthentication(connection, request, user)
    return JSONResponse({})


async def _validated_email(
    connection: Connection, request: Request, caller: Caller, wanted: UserUpdate
) -> str:
    """All checks that do not involve the password; returns the new address in lower case, or ''."""
    email = validated_email(wanted.email) if wanted.email else ""
    if wanted.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone changes are disabled")
    if wanted.password is not None:
        passwords.check_rules(wanted.password, resources_of(request).settings)
    if wanted.app_metadata is not None:
        raise AuthError(403, "not_admin", "Updating app_metadata requires admin privileges")
    if email and email != caller.user["email"]:
        other_user = await user_rows.find_by_email(connection, email, caller.user["aud"])
        if other_user and other_user["id"] != caller.user["id"]:
            raise AuthError(422, "email_exists", "A user with this email address has already been registered")
    return email


async def _new_hash(
    connection: Connection, request: Request, caller: Caller, wanted: UserUpdate
) -> str | None:
    """The hash of the new password, after all checks that come before it."""
    if not wanted.password:
        return None
    settings, hasher = resources_of(request).settings, resources_of(request).hasher
    if settings.update_password_require_reauthentication:
        await _check_nonce(connection, request, caller, wanted.nonce)
    current = caller.user["encrypted_password"]
    if current and settings.update_password_require_current_password:
        await _check_current(connection, request, caller, wanted.current_password)
    if await hasher.matches(wanted.password, current):
        raise AuthError(422, "same_password", "New password should be different from the old password.")
    return await hasher.hash(wanted.password)


async def _check_current(connection: Connection, request: Request, caller: Caller, current: str) -> None:
    if caller.session_id and await sessions.was_started_by_mail(connection, caller.session_id):
        return
    message = "Current password required when setting new password."
    if not current:
        raise AuthError(400, "current_password_required", message)
    if not await resources_of(request).hasher.matches(current, caller.user["encrypted_password"]):
        raise AuthError(400, "current_password_invalid", message)


async def _check_nonce(connection: Connection, request: Request, caller: Caller, nonce: str) -> None:
    if caller.session and user_rows.now() <= caller.session["created_at"] + RECENT_SESSION:
        return
    if not nonce:
        raise AuthError(400, "reauthentication_needed", "Password update requires reauthentication")
    user, lifetime = caller.user, timedelta(seconds=resources_of(request).settings.mailer_otp_exp)
    sent_at = user["reauthentication_sent_at"]
    genuine = user["reauthentication_token"] == auth_mails.token_hash_of(user["email"], nonce)
    if not (sent_at and genuine and user_rows.now() <= sent_at + lifetime):
        raise AuthError(422, "reauthentication_not_valid", "Nonce has expired or is invalid")
    await user_rows.update(connection, user["id"], reauthentication_token="")


async def _user(connection: Connection, user: Record) -> Response:
    return JSONResponse(response_bodies.user_body(user, await user_rows.identities(connection, user["id"])))
