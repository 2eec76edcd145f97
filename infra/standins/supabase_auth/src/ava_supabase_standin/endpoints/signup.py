"""POST /signup: a new account, or a response that looks like one.

See docs/contracts/supabase-auth.md#sign-up.
"""

from typing import Any
from uuid import uuid4

import asyncpg
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_supabase_standin import response_bodies
from ava_supabase_standin.accounts import audit_log, passwords, sessions, user_rows
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError, unexpected_failure, validation_failed
from ava_supabase_standin.mail import auth_mails
from ava_supabase_standin.mail.auth_mails import PkceChallenge
from ava_supabase_standin.requests.audience import request_audience
from ava_supabase_standin.requests.client_address import rate_limit_address
from ava_supabase_standin.requests.json_body import read_body, validated_email
from ava_supabase_standin.resources import resources_of


class SignupRequest(PkceChallenge):
    """The body of a sign-up."""

    email: str = ""
    phone: str = ""
    password: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


async def signup(request: Request) -> Response:
    """200 tokens (autoconfirm) or a User (confirmation mailed, or address known), 422 user_already_exists."""
    wanted = await read_body(request, SignupRequest)
    email = _validated_email(request, wanted)
    audience = request_audience(request)
    async with resources_of(request).pool.acquire() as connection:
        user = await user_rows.find_by_email(connection, email, audience)
        if user and user["email_confirmed_at"]:
            return await _already_registered(connection, request, user, wanted)
    password_hash = None if user else await resources_of(request).hasher.hash(wanted.password)
    async with resources_of(request).pool.acquire() as connection, connection.transaction():
        if not user:
            user = await _create(connection, email, password_hash, audience, wanted.data)
        user = await _with_identity(connection, user, wanted.data)
        return await _finish_signup(connection, request, user, wanted)


def _validated_email(request: Request, wanted: SignupRequest) -> str:
    """All checks in GoTrue's order; returns the address in lower case."""
    settings = resources_of(request).settings
    if not wanted.email and not wanted.phone:
        raise AuthError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    resources_of(request).rate_limiter.consume("signup", rate_limit_address(request))
    if settings.disable_signup:
        raise AuthError(422, "signup_disabled", "Signups not allowed for this instance")
    if not wanted.password:
        raise validation_failed("Signup requires a valid password")
    passwords.check_rules(wanted.password, settings)
    if wanted.email and wanted.phone:
        raise validation_failed("Only an email address or phone number should be provided on signup.")
    wanted.prefix()
    if wanted.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not settings.email_enabled:
        raise AuthError(400, "email_provider_disabled", "Email signups are disabled")
    return validated_email(wanted.email)


async def _create(
    connection: Connection, email: str, password_hash: str | None, audience: str, data: user_rows.Metadata
) -> Record:
    try:
        return await user_rows.create(
            connection, email=email, password_hash=password_hash, audience=audience, metadata=data
        )
    except asyncpg.PostgresError as error:
        raise unexpected_failure("Database error saving new user") from error


async def _with_identity(connection: Connection, user: Record, data: user_rows.Metadata) -> Record:
    """Ensure an e-mail identity; its data becomes the user's metadata the first time."""
    if await user_rows.identities(connection, user["id"]):
        return user
    identity = await user_rows.add_identity(connection, user["id"], user["email"], data)
    return await user_rows.update(connection, user["id"], raw_user_meta_data=identity["identity_data"])


async def _finish_signup(
    connection: Connection, request: Request, user: Record, wanted: SignupRequest
) -> Response:
    if resources_of(request).settings.mailer_autoconfirm:
        await audit_log.record(connection, user, "user_signedup", provider="email")
        user = await user_rows.confirm_email(connection, user)
        await audit_log.record(connection, user, "login", provider="email")
        return await sessions.start_session(connection, request, user, "password")
    await audit_log.record(connection, user, "user_confirmation_requested", provider="email")
    user = await auth_mails.send_confirmation(connection, request, user, wanted.prefix())
    body = response_bodies.user_body(user, await user_rows.identities(connection, user["id"]))
    if user["invited_at"]:
        body |= {"user_metadata": {}, "identities": []}
    return JSONResponse(body)


async def _already_registered(
    connection: Connection, request: Request, user: Record, wanted: SignupRequest
) -> Response:
    """A confirmed account exists: an error with autoconfirm, otherwise a made-up user."""
    await audit_log.record(connection, user, "user_repeated_signup", provider="email")
    if resources_of(request).settings.mailer_autoconfirm:
        raise AuthError(422, "user_already_exists", "User already registered")
    return JSONResponse(_obfuscated_user(user, wanted.data))


def _obfuscated_user(user: Record, data: user_rows.Metadata) -> response_bodies.Json:
    """As imperfect as GoTrue: the real user's invite, recovery and reauthentication times stay in it."""
    moment = response_bodies.rfc3339(user_rows.now())
    real = response_bodies.user_body(user, [])
    for name in (
        "last_sign_in_at",
        "confirmed_at",
        "email_change_sent_at",
        "email_confirmed_at",
        "phone_confirmed_at",
        "new_email",
    ):
        real.pop(name, None)
    return real | {
        "id": str(uuid4()),
        "role": "",
        "phone": "",
        "confirmation_sent_at": moment,
        "created_at": moment,
        "updated_at": moment,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": data,
    }
