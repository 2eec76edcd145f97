"""Sessions, their first refresh token and the access tokens that speak for them."""

import base64
import secrets
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.supabase_auth import accounts, bodies
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.requests import here, noted_address
from ava_local.supabase_auth.settings import Settings


async def begin(
    connection: Connection, request: Request, user: Record, method: str, **extra: object
) -> Response:
    """Log a person in by a method (`password`, `otp`): a session, its claim, its first tokens."""
    session_id = uuid4()
    await connection.execute(
        """insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
           values ($1, $2, now(), now(), 'aal1', $3, $4)""",
        session_id,
        user["id"],
        request.headers.get("user-agent"),
        noted_address(request),
    )
    refresh_token = await add_refresh_token(connection, user["id"], session_id, parent=None)
    await connection.execute(
        """insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
           values ($1, $2, now(), now(), $3)""",
        uuid4(),
        session_id,
        method,
    )
    user = await accounts.update(connection, user["id"], last_sign_in_at=accounts.now())
    return await answer(connection, request, user, session_id, refresh_token, **extra)


async def answer(
    connection: Connection,
    request: Request,
    user: Record,
    session_id: UUID,
    refresh_token: str,
    **extra: object,
) -> Response:
    """An AccessTokenResponse, with what extra is not None, and the headers the original adds."""
    settings = here(request).settings
    issued_at = int(time.time())
    claims = await _claims(connection, settings, user, session_id, issued_at)
    body = bodies.token_body(
        here(request).keys.sign(claims),
        claims["exp"],
        settings.jwt_exp,
        refresh_token,
        bodies.user_body(user, await accounts.identities(connection, user["id"])),
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
        accounts.NOBODY,
        token,
        str(user_id),
        parent,
        session_id,
    )
    return token


async def find(connection: Connection, session_id: UUID) -> Record | None:
    return await connection.fetchrow("select * from auth.sessions where id = $1", session_id)


async def end(connection: Connection, user_id: UUID, session_id: UUID | None, scope: str) -> None:
    """Delete sessions of one person: this one (local), all but this one (others), or all (global)."""
    if scope == "local" and session_id:
        await connection.execute("delete from auth.sessions where id = $1", session_id)
    elif scope == "others" and session_id:
        await connection.execute(
            "delete from auth.sessions where user_id = $1 and id <> $2", user_id, session_id
        )
    else:
        await connection.execute("delete from auth.sessions where user_id = $1", user_id)


async def is_recovery(connection: Connection, session_id: UUID) -> bool:
    """Whether the person came in by a mailed link, and so may set a password without knowing the old one."""
    methods = ["otp", "magiclink", "recovery"]
    return bool(
        await connection.fetchval(
            """select exists (select from auth.mfa_amr_claims
                 where session_id = $1 and authentication_method = any ($2))""",
            session_id,
            methods,
        )
    )


def outlived(session: Record, settings: Settings, refreshed_at: Any) -> str | None:
    """Why a session may not be refreshed any more, in the original's words."""
    now = accounts.now()
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
