"""The refresh_token grant: rotation, the two allowed reuses, revoking a family (tokens/service.go).

See docs/contracts/supabase-auth.md#refresh.
"""

import asyncio
import random
import re
import time
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from ava_supabase_standin.accounts import audit_log, sessions, user_rows
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError, validation_failed
from ava_supabase_standin.requests.client_address import session_address
from ava_supabase_standin.requests.json_body import JsonBody, read_body
from ava_supabase_standin.resources import resources_of

TOKEN_PATTERN = re.compile(r"[a-z0-9]{12}")
LOCK_TIMEOUT_SECONDS = 5.0  # how long a refresh waits for another one of the same session


class RefreshRequest(JsonBody):
    """The body of grant_type=refresh_token."""

    refresh_token: str = ""


async def refresh_token_grant(request: Request) -> Response:
    """Exchange a refresh token for new tokens; concurrent refreshes of one session run one by one."""
    token = (await read_body(request, RefreshRequest)).refresh_token
    if not TOKEN_PATTERN.fullmatch(token):
        raise validation_failed("Refresh token is not valid")
    started = time.monotonic()
    while time.monotonic() - started < LOCK_TIMEOUT_SECONDS:
        outcome = await _attempt(request, token)
        if isinstance(outcome, AuthError):
            raise outcome
        if outcome:
            return outcome
        await asyncio.sleep(random.uniform(0.01, 0.03))
    message = "Too many concurrent token refresh requests on the same session or refresh token"
    raise AuthError(409, "conflict", message)


async def _attempt(request: Request, token: str) -> Response | AuthError | None:
    """None: the row is locked, try again. An AuthError is returned, not raised: revocations must commit."""
    async with resources_of(request).pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow("select * from auth.refresh_tokens where token = $1", token)
        error = await _check_before_locking(connection, request, row)
        if error or not row:
            return error
        locked_row = await connection.fetchrow(
            "select * from auth.refresh_tokens where token = $1 for update skip locked", token
        )
        session = await connection.fetchrow(
            "select * from auth.sessions where id = $1 for update skip locked", row["session_id"]
        )
        if not locked_row or not session:
            return None
        return await _rotate(connection, request, locked_row, session)


async def _check_before_locking(
    connection: Connection, request: Request, row: Record | None
) -> AuthError | None:
    user = await user_rows.find(connection, row["user_id"]) if row else None
    if not row or not user:
        message = "Invalid Refresh Token: Refresh Token Not Found"
        return AuthError(400, "refresh_token_not_found", message)
    if user_rows.is_banned(user):
        return AuthError(400, "user_banned", "Invalid Refresh Token: User Banned")
    session = await sessions.find(connection, row["session_id"]) if row["session_id"] else None
    if not session:
        return AuthError(400, "session_not_found", "Invalid Refresh Token: No Valid Session Found")
    reason = sessions.expiry_reason(
        session, resources_of(request).settings, _last_refresh(session, row["updated_at"])
    )
    return AuthError(400, "session_expired", reason) if reason else None


async def _rotate(
    connection: Connection, request: Request, row: Record, session: Record
) -> Response | AuthError:
    if resources_of(request).settings.sessions_single_per_user and await _is_superseded(
        connection, session, row
    ):
        message = "Invalid Refresh Token: Session Expired (Revoked by Newer Login)"
        return AuthError(400, "session_expired", message)
    issued = await _next_token(connection, request, row, session)
    if isinstance(issued, AuthError):
        return issued
    user = await user_rows.find(connection, session["user_id"])
    assert user
    await audit_log.record(connection, user, "token_refreshed")
    await connection.execute(
        """update auth.sessions set refreshed_at = $2, user_agent = $3, ip = $4, updated_at = now()
           where id = $1""",
        session["id"],
        datetime.now(UTC).replace(tzinfo=None),
        request.headers.get("user-agent"),
        session_address(request),
    )
    response = await sessions.token_response(connection, request, user, session["id"], issued)
    response.headers["sb-auth-refresh-token-reuse"] = "false"
    return response


async def _next_token(
    connection: Connection, request: Request, row: Record, session: Record
) -> str | AuthError:
    """The token to return: a new one, or the active one if the client lost our last response."""
    if row["revoked"]:
        active = await connection.fetchrow(
            """select * from auth.refresh_tokens where session_id = $1 and revoked is false
               order by id desc limit 1""",
            session["id"],
        )
        if active and active["parent"] == row["token"]:
            return str(active["token"])
        settings = resources_of(request).settings
        if user_rows.now() > row["updated_at"] + timedelta(seconds=settings.refresh_token_reuse_interval):
            if settings.refresh_token_rotation:
                await _revoke_family(connection, session)
            return AuthError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    await connection.execute(
        "update auth.refresh_tokens set revoked = true, updated_at = clock_timestamp() where id = $1",
        row["id"],
    )
    return await sessions.add_refresh_token(connection, session["user_id"], session["id"], row["token"])


async def _revoke_family(connection: Connection, session: Record) -> None:
    await connection.execute(
        """update auth.refresh_tokens set revoked = true, updated_at = now()
           where session_id = $1 and not revoked""",
        session["id"],
    )


async def _is_superseded(connection: Connection, session: Record, row: Record) -> bool:
    others = await connection.fetch(
        "select * from auth.sessions where user_id = $1 and id <> $2", session["user_id"], session["id"]
    )
    mine = _last_refresh(session, row["updated_at"])
    return any(_last_refresh(other, None) > mine for other in others)


def _last_refresh(session: Record, token_time: datetime | None) -> datetime:
    if session["refreshed_at"]:
        refreshed: datetime = session["refreshed_at"].replace(tzinfo=UTC)
        return refreshed
    created: datetime = session["created_at"]
    return max(created, token_time) if token_time else created
