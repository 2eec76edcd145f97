"""Refresh tokens: rotation, the two allowed reuses, and the end of a family (tokens/service.go)."""

import asyncio
import random
import re
import time
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from ava_local.supabase_auth import accounts, audit, sessions
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.requests import Body, here, noted_address, read

V1 = re.compile(r"[a-z0-9]{12}")
PATIENCE = 5.0  # seconds a refresh waits for another one of the same session


class RefreshToken(Body):
    """The body of grant_type=refresh_token."""

    refresh_token: str = ""


async def refresh(request: Request) -> Response:
    """Swap a refresh token for new tokens; concurrent refreshes of one session go one after another."""
    token = (await read(request, RefreshToken)).refresh_token
    if not V1.fullmatch(token):
        raise invalid("Refresh token is not valid")
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        outcome = await _attempt(request, token)
        if isinstance(outcome, Refusal):
            raise outcome
        if outcome:
            return outcome
        await asyncio.sleep(random.uniform(0.01, 0.03))
    message = "Too many concurrent token refresh requests on the same session or refresh token"
    raise Refusal(409, "conflict", message)


async def _attempt(request: Request, token: str) -> Response | Refusal | None:
    """None: the row is locked, try again. A Refusal is returned, not raised: what it revoked must commit."""
    async with here(request).pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow("select * from auth.refresh_tokens where token = $1", token)
        refusal = await _first_look(connection, request, row)
        if refusal or not row:
            return refusal
        held = await connection.fetchrow(
            "select * from auth.refresh_tokens where token = $1 for update skip locked", token
        )
        session = await connection.fetchrow(
            "select * from auth.sessions where id = $1 for update skip locked", row["session_id"]
        )
        if not held or not session:
            return None
        return await _swap(connection, request, held, session)


async def _first_look(connection: Connection, request: Request, row: Record | None) -> Refusal | None:
    user = await accounts.find(connection, row["user_id"]) if row else None
    if not row or not user:
        message = "Invalid Refresh Token: Refresh Token Not Found"
        return Refusal(400, "refresh_token_not_found", message)
    if accounts.is_banned(user):
        return Refusal(400, "user_banned", "Invalid Refresh Token: User Banned")
    session = await sessions.find(connection, row["session_id"]) if row["session_id"] else None
    if not session:
        return Refusal(400, "session_not_found", "Invalid Refresh Token: No Valid Session Found")
    why = sessions.outlived(session, here(request).settings, _last_refresh(session, row["updated_at"]))
    return Refusal(400, "session_expired", why) if why else None


async def _swap(connection: Connection, request: Request, row: Record, session: Record) -> Response | Refusal:
    if here(request).settings.sessions_single_per_user and await _is_superseded(connection, session, row):
        message = "Invalid Refresh Token: Session Expired (Revoked by Newer Login)"
        return Refusal(400, "session_expired", message)
    issued = await _issued(connection, request, row, session)
    if isinstance(issued, Refusal):
        return issued
    user = await accounts.find(connection, session["user_id"])
    assert user
    await audit.note(connection, user, "token_refreshed")
    await connection.execute(
        """update auth.sessions set refreshed_at = $2, user_agent = $3, ip = $4, updated_at = now()
           where id = $1""",
        session["id"],
        datetime.now(UTC).replace(tzinfo=None),
        request.headers.get("user-agent"),
        noted_address(request),
    )
    response = await sessions.answer(connection, request, user, session["id"], issued)
    response.headers["sb-auth-refresh-token-reuse"] = "false"
    return response


async def _issued(connection: Connection, request: Request, row: Record, session: Record) -> str | Refusal:
    """The token to hand out: a new one, or the active one when the client lost our last answer."""
    if row["revoked"]:
        active = await connection.fetchrow(
            """select * from auth.refresh_tokens where session_id = $1 and revoked is false
               order by id desc limit 1""",
            session["id"],
        )
        if active and active["parent"] == row["token"]:
            return str(active["token"])
        settings = here(request).settings
        if accounts.now() > row["updated_at"] + timedelta(seconds=settings.refresh_token_reuse_interval):
            if settings.refresh_token_rotation:
                await _revoke_family(connection, session)
            return Refusal(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
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
