"""GET and PUT /user, POST /logout, GET /reauthenticate: what a person does with their own account."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.supabase_auth import accounts, audit, bearer, bodies, mails, passwords, sessions
from ava_local.supabase_auth.bearer import Caller
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.mails import Challenge
from ava_local.supabase_auth.requests import address_of, audience_of, email_of, here, own_audience, read

RECENT = timedelta(hours=24)


class Changes(Challenge):
    """The body of PUT /user."""

    email: str = ""
    password: str | None = None
    current_password: str = ""
    nonce: str = ""
    data: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None
    phone: str = ""


async def show(request: Request) -> Response:
    """200 User: the authoritative answer to whether a token still counts."""
    async with here(request).pool.acquire() as connection:
        caller = await bearer.caller(connection, request)
        audience = own_audience(caller.claims)
        if not audience or audience_of(request, caller.claims) != audience:
            raise invalid("Token audience doesn't match request audience")
        return await _user(connection, caller.user)


async def change(request: Request) -> Response:
    """200 User after changing password, address or metadata; nothing is changed when anything is refused."""
    async with here(request).pool.acquire() as connection:
        caller = await bearer.caller(connection, request)
        here(request).limits.take("user", address_of(request))
        wanted = await read(request, Changes)
        email = await _judged(connection, request, caller, wanted)
        hashed = await _new_hash(connection, request, caller, wanted)
        async with connection.transaction():
            user = caller.user
            if wanted.password is not None:
                user = await set_password(connection, user, hashed, caller.session)
                await audit.note(connection, user, "user_updated_password")
            if wanted.data is not None:
                user = await accounts.merge(connection, user, "raw_user_meta_data", wanted.data)
            if email and email != user["email"]:
                user = await mails.send_email_change(connection, request, user, email, wanted.prefix())
            await audit.note(connection, user, "user_modified")
        return await _user(connection, user)


async def set_password(
    connection: Connection, user: Record, hashed: str | None, session: Record | None
) -> Record:
    """Store it, forget every pending one-time token, end every session but this one."""
    changed = await accounts.update(connection, user["id"], encrypted_password=hashed, **accounts.NO_TOKENS)
    await sessions.end(connection, user["id"], session["id"] if session else None, "others")
    return changed


async def logout(request: Request) -> Response:
    """204; scope global (default), local or others. A token without session always means global."""
    scope = request.query_params.get("scope") or "global"
    async with here(request).pool.acquire() as connection:
        caller = await bearer.caller(connection, request)
        if scope not in ("global", "local", "others"):
            raise invalid(f'Unsupported logout scope "{scope}"')
        async with connection.transaction():
            await audit.note(connection, caller.user, "logout")
            await sessions.end(connection, caller.user["id"], caller.session_id, scope)
    return Response(status_code=204)


async def reauthenticate(request: Request) -> Response:
    """200 {} and a mail with a nonce for PUT /user."""
    async with here(request).pool.acquire() as connection:
        user = (await bearer.caller(connection, request)).user
        if not user["email"]:
            raise invalid("Reauthentication requires the user to have an email or a phone number")
        if not user["email_confirmed_at"]:
            raise Refusal(422, "email_not_confirmed", "Please verify your email first.")
        async with connection.transaction():
            await audit.note(connection, user, "user_reauthenticate_requested")
            await mails.send_reauthentication(connection, request, user)
    return JSONResponse({})


async def _judged(connection: Connection, request: Request, caller: Caller, wanted: Changes) -> str:
    """What can be refused without touching the password; the new address in lower case or ''."""
    email = email_of(wanted.email) if wanted.email else ""
    if wanted.phone:
        raise Refusal(400, "phone_provider_disabled", "Phone changes are disabled")
    if wanted.password is not None:
        passwords.judge(wanted.password, here(request).settings)
    if wanted.app_metadata is not None:
        raise Refusal(403, "not_admin", "Updating app_metadata requires admin privileges")
    if email and email != caller.user["email"]:
        holder = await accounts.find_by_email(connection, email, caller.user["aud"])
        if holder and holder["id"] != caller.user["id"]:
            raise Refusal(422, "email_exists", "A user with this email address has already been registered")
    return email


async def _new_hash(connection: Connection, request: Request, caller: Caller, wanted: Changes) -> str | None:
    """The hash of the new password, after everything that may stand before it."""
    if not wanted.password:
        return None
    settings, hasher = here(request).settings, here(request).hasher
    if settings.update_password_require_reauthentication:
        await _check_nonce(connection, request, caller, wanted.nonce)
    current = caller.user["encrypted_password"]
    if current and settings.update_password_require_current_password:
        await _check_current(connection, request, caller, wanted.current_password)
    if await hasher.matches(wanted.password, current):
        raise Refusal(422, "same_password", "New password should be different from the old password.")
    return await hasher.hash(wanted.password)


async def _check_current(connection: Connection, request: Request, caller: Caller, current: str) -> None:
    if caller.session_id and await sessions.is_recovery(connection, caller.session_id):
        return
    message = "Current password required when setting new password."
    if not current:
        raise Refusal(400, "current_password_required", message)
    if not await here(request).hasher.matches(current, caller.user["encrypted_password"]):
        raise Refusal(400, "current_password_invalid", message)


async def _check_nonce(connection: Connection, request: Request, caller: Caller, nonce: str) -> None:
    if caller.session and accounts.now() <= caller.session["created_at"] + RECENT:
        return
    if not nonce:
        raise Refusal(400, "reauthentication_needed", "Password update requires reauthentication")
    user, life = caller.user, timedelta(seconds=here(request).settings.mailer_otp_exp)
    sent_at = user["reauthentication_sent_at"]
    genuine = user["reauthentication_token"] == mails.hash_of(user["email"], nonce)
    if not (sent_at and genuine and accounts.now() <= sent_at + life):
        raise Refusal(422, "reauthentication_not_valid", "Nonce has expired or is invalid")
    await accounts.update(connection, user["id"], reauthentication_token="")


async def _user(connection: Connection, user: Record) -> Response:
    return JSONResponse(bodies.user_body(user, await accounts.identities(connection, user["id"])))
