"""/admin/users: what the secret key may do with accounts."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.supabase_auth import accounts, audit, bearer, bodies, passwords, removal, user
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal, broken, invalid
from ava_local.supabase_auth.requests import Body, audience_of, email_of, here, read

TAKEN = "A user with this email address has already been registered"
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|ms)")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Account(Body):
    """The body of creating or changing a user."""

    id: str = ""
    aud: str = ""
    role: str = ""
    email: str = ""
    password: str | None = None
    password_hash: str = ""
    email_confirm: bool = False
    user_metadata: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None
    ban_duration: str = ""


async def create(request: Request) -> Response:
    """200 User. No password rule applies here, upstream neither."""
    async with here(request).pool.acquire() as connection:
        role = await bearer.administrator(connection, request)
        wanted = await read(request, Account)
        audience = wanted.aud or audience_of(request)
        email, user_id = await _judged(connection, wanted, audience), _wanted_id(wanted.id)
        hashed, duration = await _hashed(request, wanted), _duration(wanted.ban_duration)
        try:
            async with connection.transaction():
                made = await accounts.create(
                    connection,
                    email=email,
                    hashed=hashed,
                    audience=audience,
                    metadata=wanted.user_metadata or {},
                    user_id=user_id,
                )
                await accounts.add_identity(connection, made["id"], email, {})
                await audit.note(connection, role, "user_signedup", user_id=str(made["id"]), user_email=email)
                made = await _settle(connection, made, wanted, duration)
        except asyncpg.PostgresError as error:
            raise broken("Database error creating new user") from error
        return await _user(connection, made)


async def change(request: Request) -> Response:
    """200 User. A new password ends all sessions of that person."""
    async with here(request).pool.acquire() as connection:
        role = await bearer.administrator(connection, request)
        person = await _named(connection, request)
        wanted = await read(request, Account)
        email, duration = (email_of(wanted.email) if wanted.email else ""), _duration(wanted.ban_duration)
        if wanted.password is not None:
            passwords.judge(wanted.password, here(request).settings)
        hashed = await here(request).hasher.hash(wanted.password) if wanted.password else None
        try:
            async with connection.transaction():
                if wanted.password is not None:
                    person = await user.set_password(connection, person, hashed, None)
                if email:
                    await _readdress(connection, person, email, wanted.email_confirm)
                if wanted.user_metadata:
                    await accounts.merge(connection, person, "raw_user_meta_data", wanted.user_metadata)
                person = await _settle(connection, person, wanted, duration)
                traits = {"user_id": str(person["id"]), "user_email": person["email"]}
                await audit.note(connection, role, "user_modified", **traits)
        except asyncpg.PostgresError as error:
            raise broken("Error updating user") from error
        return await _user(connection, person)


async def show(request: Request) -> Response:
    """200 User; 404 user_not_found."""
    async with here(request).pool.acquire() as connection:
        await bearer.administrator(connection, request)
        return await _user(connection, await _named(connection, request))


async def delete(request: Request) -> Response:
    """200 {}; a soft deletion keeps a row without anything personal in it."""
    async with here(request).pool.acquire() as connection:
        role = await bearer.administrator(connection, request)
        person = await _named(connection, request)
        soft = (await read(request, removal.Deletion, optional=True)).should_soft_delete
        async with connection.transaction():
            traits = {"user_id": str(person["id"]), "user_email": person["email"]}
            await audit.note(connection, role, "user_deleted", **traits)
            await (removal.soften(connection, person) if soft else removal.remove(connection, person))
    return JSONResponse({})


async def _judged(connection: Connection, wanted: Account, audience: str) -> str:
    if not wanted.email:
        raise invalid("Cannot create a user without either an email or phone")
    email = email_of(wanted.email)
    if await accounts.find_by_email(connection, email, audience):
        raise Refusal(422, "email_exists", TAKEN)
    return email


async def _hashed(request: Request, wanted: Account) -> str:
    if wanted.password is not None and wanted.password_hash:
        raise invalid("Only a password or a password hash should be provided")
    if wanted.password_hash:
        if not passwords.is_bcrypt(wanted.password_hash):
            raise broken("Error creating user")
        return wanted.password_hash
    password = wanted.password or passwords.random_password()
    if len(password.encode()) > passwords.LONGEST:
        raise invalid("bcrypt: password length exceeds 72 bytes")
    return await here(request).hasher.hash(password)


async def _settle(
    connection: Connection, person: Record, wanted: Account, duration: timedelta | None
) -> Record:
    """What creating and changing have in common: role, app metadata, confirmation, ban."""
    current = await accounts.find(connection, person["id"])
    assert current
    if wanted.role:
        current = await accounts.update(connection, current["id"], role=wanted.role.strip())
    if wanted.app_metadata:
        current = await accounts.merge(connection, current, "raw_app_meta_data", wanted.app_metadata)
    if wanted.email_confirm:
        current = await accounts.confirm(connection, current)
    return current if duration is None else await accounts.ban(connection, current, duration)


async def _readdress(connection: Connection, person: Record, email: str, confirmed: bool) -> None:
    changes = {"email": email, "email_verified": confirmed}
    if not await accounts.change_identity(connection, person["id"], changes):
        await accounts.add_identity(connection, person["id"], email, {}, verified=confirmed)
    await accounts.update(connection, person["id"], email=email)


async def _named(connection: Connection, request: Request) -> Record:
    try:
        user_id = UUID(request.path_params["user_id"])
    except ValueError:
        raise Refusal(404, "validation_failed", "user_id must be an UUID") from None
    person = await accounts.find(connection, user_id)
    if not person:
        raise Refusal(404, "user_not_found", "User not found")
    return person


def _wanted_id(text: str) -> UUID | None:
    try:
        user_id = UUID(text) if text else None
    except ValueError:
        raise invalid("ID must conform to the uuid v4 format") from None
    if user_id == accounts.NOBODY:
        raise invalid("ID cannot be a nil uuid")
    return user_id


def _duration(text: str) -> timedelta | None:
    """A Go duration like `24h` or `1h30m`; `none` is zero; '' means nothing was asked."""
    if not text:
        return None
    parts = DURATION.findall(text)
    if text != "none" and "".join(amount + unit for amount, unit in parts) != text:
        raise invalid(f'invalid format for ban duration: time: invalid duration "{text}"')
    return timedelta(seconds=sum(float(amount) * UNITS[unit] for amount, unit in parts))


async def _user(connection: Connection, person: Record) -> Response:
    return JSONResponse(bodies.user_body(person, await accounts.identities(connection, person["id"])))
