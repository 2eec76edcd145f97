"""Rows of auth.sessions, their refresh tokens, and the token response of a session.

See docs/contracts/supabase-auth.md#rows.
"""

import base64
import secrets
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_supabase_standin import response_bodies
from ava_supabase_standin.accounts import user_rows
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.requests.client_address import session_address
from ava_supabase_standin.resources import resources_of
from ava_supabase_standin.settings import Settings


async def start_session(
    connection: Connection, request: Request, user: Record, method: str, **extra: object
) -> Response:
    """Log a user in by a method (`password`, `otp`): create a session, its claim, its first tokens."""
    session_id = uuid4()
    await connection.execute(
        """insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
           values ($1, $2, now(), now(), 'aal1', $3, $4)""",
        session_id,
        user["id"],
        request.headers.get("user-agent"),
        session_address(request),
    )
    refresh_token = await add_refresh_token(connection, user["id"], session_id, parent=None)
    await connection.execute(
        """insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
           values ($1, $2, now(), now(), $3)""",
        uuid4(),
        session_id,
        method,
    )
    user = await user_rows.update(connection, user["id"], last_sign_in_at=user_rows.now())
    return await token_response(connection, request, user, session_id, refresh_token, **extra)


async def token_response(
    connection: Connection,
    request: Request,
    user: Record,
    session_id: UUID,
    refresh_token: str,
    **extra: object,
) -> Response:
    """An AccessTokenResponse with the `extra` values that are not None, and GoTrue's headers."""
    settings = resources_of(request).settings
    issued_at = int(time.time())
    claims = await _claims(connection, settings, user, session_id, issued_at)
    body = response_bodies.token_body(
        resources_of(request).keys.sign(claims),
        claims["exp"],
        settings.jwt_exp,
        refresh_token,
        response_bodies.user_body(user, await user_rows.identities(connection, user["id"])),
    )
    body |= {name: value for name, value in extra.items() if value is not None}
    headers = {"sb-auth-user-id": str(user["id"]), "sb-auth-session-id": str(session_id)}
    return JSONResponse(body, headers=headers | {"sb-auth-refresh-token-prefix": refresh_token[:5]})


async def add_refresh_token(
    connection: Connection, user_id: UUID, session_id: UUID, parent: str | None
) -> str:
    """A v1 token: twelve characters of lower-case base32; the first of a session has no parent (NULL)."""
    token = base64.b32encode(secrets.token_bytes(10)).decode().lower()[:12]
    await connection.execute(
        """insert into auth.refresh_tokens
             (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
           values ($1, $2, $3, false, now(), now(), $4, $5)""",
        user_rows.NIL_UUID,
        token,
        str(user_id),
        parent,
        session_id,
    )
    return token


async def find(connection: Connection, session_id: UUID) -> Record | None:
    return await connection.fetchrow("select * from auth.sessions where id = $1", session_id)


async def end_sessions(connection: Connection, user_id: UUID, session_id: UUID | None, scope: str) -> None:
    """Delete sessions of one user: this one (local), all but this one (others), or all (global)."""
    if scope == "local" and session_id:
        await connection.execute("delete from auth.sessions where id = $1", session_id)
    elif scope == "others" and session_id:
        await connection.execute(
            "delete from auth.sessions where user_id = $1 and id <> $2", user_id, session_id
        )
    else:
        await connection.execute("delete from auth.sessions where user_id = $1", user_id)


async def was_started_by_mail(connection: Connection, session_id: UUID) -> bool:
    """Whether it was started by a mailed link, so that a password may be set without the old one."""
    methods = ["otp", "magiclink", "recovery"]
    return bool(
        await connection.fetchval(
            """select exists (select from auth.mfa_amr_claims
                 where session_id = $1 and authentication_method = any ($2))""",
            session_id,
            methods,
        )
    )


def expiry_reason(session: Record, settings: Settings, refreshed_at: Any) -> str | None:
    """Why a session may no longer be refreshed, in GoTrue's words; None if it may."""
    now = user_rows.now()
    timebox, idle = settings.sessions_timebox, settings.sessions_inactivity_timeout
    if session["not_after"] and now > session["not_after"]:
        return "Invalid Refresh Token: Session Expired"
    if timebox and now > session["created_at"] + timedelta(seconds=timebox):
        return "Invalid Refresh Token: Session Expired"
    if idle and now > refreshed_at + timedelta(seconds=idle):
        return "Invalid Refresh Token: Session Expired (Inactivity)"
    return None


async def _claims(
    connection: Connection, settings: Settings, user: Record, session_id: UUID, issued_at: int
) -> dict[str, Any]:
    methods = await connection.fetch(
        """select authentication_method as method, extract(epoch from updated_at)::bigint as timestamp
           from auth.mfa_amr_claims where session_id = $1 order by updated_at desc""",
        session_id,
    )
    return {
        "iss": settings.token_issuer,
        "sub": str(user["id"]),
        "aud": user["aud"],
        "exp": issued_at + settings.jwt_exp,
        "iat": issued_at,
        "email": user["email"] or "",
        "phone": user["phone"] or "",
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "role": user["role"],
        "aal": "aal1",
        "amr": [dict(row) for row in methods],
        "session_id": str(session_id),
        "is_anonymous": user["is_anonymous"],
    }
