"""/admin/users: create, read, update and delete accounts with the secret key.

See docs/contracts/supabase-auth.md#administration.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_supabase_standin import response_bodies
from ava_supabase_standin.accounts import account_deletion, audit_log, passwords, user_rows
from ava_supabase_standin.accounts.caller import admin_role
from ava_supabase_standin.accounts.password_change import set_password
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError, unexpected_failure, validation_failed
from ava_supabase_standin.requests.audience import request_audience
from ava_supabase_standin.requests.go_duration import parse_duration
from ava_supabase_standin.requests.json_body import JsonBody, read_body, validated_email
from ava_supabase_standin.resources import resources_of

EMAIL_EXISTS = "A user with this email address has already been registered"


class AdminUserBody(JsonBody):
    """The body of creating or updating a user."""

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
    """200 User. No password rules apply here, as upstream."""
    async with resources_of(request).pool.acquire() as connection:
        role = await admin_role(connection, request)
        wanted = await read_body(request, AdminUserBody)
        audience = wanted.aud or request_audience(request)
        email, user_id = await _validated_email(connection, wanted, audience), _requested_id(wanted.id)
        password_hash, duration = await _password_hash(request, wanted), parse_duration(wanted.ban_duration)
        try:
            async with connection.transaction():
                created = await user_rows.create(
                    connection,
                    email=email,
                    password_hash=password_hash,
                    audience=audience,
                    metadata=wanted.user_metadata or {},
                    user_id=user_id,
                )
                await user_rows.add_identity(connection, created["id"], email, {})
                traits = {"user_id": str(created["id"]), "user_email": email}
                await audit_log.record(connection, role, "user_signedup", **traits)
                created = await _apply_admin_fields(connection, created, wanted, duration)
        except asyncpg.PostgresError as error:
            raise unexpected_failure("Database error creating new user") from error
        return await _user(connection, created)


async def update(request: Request) -> Response:
    """200 User. A new password ends all sessions of that user."""
    async with resources_of(request).pool.acquire() as connection:
        role = await admin_role(connection, request)
        target = await _user_from_path(connection, request)
        wanted = await read_body(request, AdminUserBody)
        email = validated_email(wanted.email) if wanted.email else ""
        duration = parse_duration(wanted.ban_duration)
        if wanted.password is not None:
            passwords.check_rules(wanted.password, resources_of(request).settings)
        password_hash = await resources_of(request).hasher.hash(wanted.password) if wanted.password else None
        try:
            async with connection.transaction():
                if wanted.password is not None:
                    target = await set_password(connection, target, password_hash, None)
                if email:
                    await _set_email(connection, target, email, wanted.email_confirm)
                if wanted.user_metadata:
                    changes = wanted.user_metadata
                    await user_rows.merge_metadata(connection, target, "raw_user_meta_data", changes)
                target = await _apply_admin_fields(connection, target, wanted, duration)
                traits = {"user_id": str(target["id"]), "user_email": target["email"]}
                await audit_log.record(connection, role, "user_modified", **traits)
        except asyncpg.PostgresError as error:
            raise unexpected_failure("Error updating user") from error
        return await _user(connection, target)


async def get(request: Request) -> Response:
    """200 User; 404 user_not_found."""
    async with resources_of(request).pool.acquire() as connection:
        await admin_role(connection, request)
        return await _user(connection, await _user_from_path(connection, request))


async def delete(request: Request) -> Response:
    """200 {}; a soft deletion keeps a row without any personal data."""
    async with resources_of(request).pool.acquire() as connection:
        role = await admin_role(connection, request)
        target = await _user_from_path(connection, request)
        soft = (await read_body(request, account_deletion.DeleteRequest, optional=True)).should_soft_delete
        async with connection.transaction():
            traits = {"user_id": str(target["id"]), "user_email": target["email"]}
            await audit_log.record(connection, role, "user_deleted", **traits)
            delete_rows = account_deletion.soft_delete if soft else account_deletion.delete
            await delete_rows(connection, target)
    return JSONResponse({})


async def _validated_email(connection: Connection, wanted: AdminUserBody, audience: str) -> str:
    if not wanted.email:
        raise validation_failed("Cannot create a user without either an email or phone")
    email = validated_email(wanted.email)
    if await user_rows.find_by_email(connection, email, audience):
        raise AuthError(422, "email_exists", EMAIL_EXISTS)
    return email


async def _password_hash(request: Request, wanted: AdminUserBody) -> str:
    if wanted.password is not None and wanted.password_hash:
        raise validation_failed("Only a password or a password hash should be provided")
    if wanted.password_hash:
        if not passwords.is_bcrypt(wanted.password_hash):
            raise unexpected_failure("Error creating user")
        return wanted.password_hash
    password = wanted.password or passwords.random_password()
    if len(password.encode()) > passwords.MAX_BYTES:
        raise validation_failed("bcrypt: password length exceeds 72 bytes")
    return await resources_of(request).hasher.hash(password)


async def _apply_admin_fields(
    connection: Connection, target: Record, wanted: AdminUserBody, duration: timedelta | None
) -> Record:
    """What creating and updating have in common: role, app metadata, confirmation, ban."""
    current = await user_rows.find(connection, target["id"])
    assert current
    if wanted.role:
        current = await user_rows.update(connection, current["id"], role=wanted.role.strip())
    if wanted.app_metadata:
        current = await user_rows.merge_metadata(
            connection, current, "raw_app_meta_data", wanted.app_metadata
        )
    if wanted.email_confirm:
        current = await user_rows.confirm_email(connection, current)
    return current if duration is None else await user_rows.ban(connection, current, duration)


async def _set_email(connection: Connection, target: Record, email: str, confirmed: bool) -> None:
    changes = {"email": email, "email_verified": confirmed}
    if not await user_rows.update_identity(connection, target["id"], changes):
        await user_rows.add_identity(connection, target["id"], email, {}, verified=confirmed)
    await user_rows.update(connection, target["id"], email=email)


async def _user_from_path(connection: Connection, request: Request) -> Record:
    try:
        user_id = UUID(request.path_params["user_id"])
    except ValueError:
        raise AuthError(404, "validation_failed", "user_id must be an UUID") from None
    target = await user_rows.find(connection, user_id)
    if not target:
        raise AuthError(404, "user_not_found", "User not found")
    return target


def _requested_id(text: str) -> UUID | None:
    try:
        user_id = UUID(text) if text else None
    except ValueError:
        raise validation_failed("ID must conform to the uuid v4 format") from None
    if user_id == user_rows.NIL_UUID:
        raise validation_failed("ID cannot be a nil uuid")
    return user_id


async def _user(connection: Connection, target: Record) -> Response:
    return JSONResponse(
        response_bodies.user_body(target, await user_rows.identities(connection, target["id"]))
    )
