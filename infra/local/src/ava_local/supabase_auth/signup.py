"""POST /signup: a new account, or an answer that looks like one."""

from typing import Any
from uuid import uuid4

import asyncpg
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.supabase_auth import accounts, audit, bodies, mails, passwords, sessions
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal, broken, invalid
from ava_local.supabase_auth.mails import Challenge
from ava_local.supabase_auth.requests import address_of, audience_of, email_of, here, read


class SignUp(Challenge):
    """The body of a sign-up."""

    email: str = ""
    phone: str = ""
    password: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


async def signup(request: Request) -> Response:
    """200 tokens (autoconfirm) or a User (confirmation mailed, or address taken), 422 user_already_exists."""
    wanted = await read(request, SignUp)
    email = _judged(request, wanted)
    audience = audience_of(request)
    async with here(request).pool.acquire() as connection:
        user = await accounts.find_by_email(connection, email, audience)
        if user and user["email_confirmed_at"]:
            return await _taken(connection, request, user, wanted)
    hashed = None if user else await here(request).hasher.hash(wanted.password)
    async with here(request).pool.acquire() as connection, connection.transaction():
        if not user:
            user = await _create(connection, email, hashed, audience, wanted.data)
        user = await _identified(connection, user, wanted.data)
        return await _welcome(connection, request, user, wanted)


def _judged(request: Request, wanted: SignUp) -> str:
    """Every check in the original's order; the address in lower case."""
    settings = here(request).settings
    if not wanted.email and not wanted.phone:
        raise Refusal(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    here(request).limits.take("signup", address_of(request))
    if settings.disable_signup:
        raise Refusal(422, "signup_disabled", "Signups not allowed for this instance")
    if not wanted.password:
        raise invalid("Signup requires a valid password")
    passwords.judge(wanted.password, settings)
    if wanted.email and wanted.phone:
        raise invalid("Only an email address or phone number should be provided on signup.")
    wanted.prefix()
    if wanted.phone:
        raise Refusal(400, "phone_provider_disabled", "Phone signups are disabled")
    if not settings.email_enabled:
        raise Refusal(400, "email_provider_disabled", "Email signups are disabled")
    return email_of(wanted.email)


async def _create(
    connection: Connection, email: str, hashed: str | None, audience: str, data: accounts.Meta
) -> Record:
    try:
        return await accounts.create(connection, email=email, hashed=hashed, audience=audience, metadata=data)
    except asyncpg.PostgresError as error:
        raise broken("Database error saving new user") from error


async def _identified(connection: Connection, user: Record, data: accounts.Meta) -> Record:
    """With an e-mail identity, whose data also becomes the person's metadata the first time."""
    if await accounts.identities(connection, user["id"]):
        return user
    identity = await accounts.add_identity(connection, user["id"], user["email"], data)
    return await accounts.update(connection, user["id"], raw_user_meta_data=identity["identity_data"])


async def _welcome(connection: Connection, request: Request, user: Record, wanted: SignUp) -> Response:
    if here(request).settings.mailer_autoconfirm:
        await audit.note(connection, user, "user_signedup", provider="email")
        user = await accounts.confirm(connection, user)
        await audit.note(connection, user, "login", provider="email")
        return await sessions.begin(connection, request, user, "password")
    await audit.note(connection, user, "user_confirmation_requested", provider="email")
    user = await mails.send_confirmation(connection, request, user, wanted.prefix())
    body = bodies.user_body(user, await accounts.identities(connection, user["id"]))
    if user["invited_at"]:
        body |= {"user_metadata": {}, "identities": []}
    return JSONResponse(body)


async def _taken(connection: Connection, request: Request, user: Record, wanted: SignUp) -> Response:
    """A confirmed account exists: say so under autoconfirm, else answer with a person who does not exist."""
    await audit.note(connection, user, "user_repeated_signup", provider="email")
    if here(request).settings.mailer_autoconfirm:
        raise Refusal(422, "user_already_exists", "User already registered")
    return JSONResponse(_fake(user, wanted.data))


def _fake(user: Record, data: accounts.Meta) -> bodies.Json:
    """As imperfect as the original: invited, recovery and reauthentication times of the real person stay."""
    moment = bodies.moment(accounts.now())
    real = bodies.user_body(user, [])
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
