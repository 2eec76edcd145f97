"""Speak to PostgreSQL as the caller: one transaction, one role, one set of claims."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from ava_common.callers import Caller

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
)
"""What asyncpg raises when the database is not there, is going, or does not answer in time."""

_MAY_BYPASS = """
select r.rolname from pg_catalog.pg_roles r
 where (r.rolsuper or r.rolbypassrls)
   and pg_catalog.pg_has_role(session_user, r.oid, 'member')
   and r.rolname <> all ($1)
"""


class MayBypassRls(SystemExit):
    """This database role could read everybody's rows."""

    def __init__(self, roles: list[str]) -> None:
        super().__init__(
            "This room refuses to start: its DATABASE_URL logs in as a role that can bypass "
            f"row-level security (through {', '.join(roles)}). Use the room's own role; "
            "supabase/migrations creates it."
        )


async def _keep_nothing(connection: Any) -> None:
    """We only ever set transaction-local state, so asyncpg's reset round trip would find nothing to undo."""


@asynccontextmanager
async def open_pool(
    url: str, *, name: str, size: int = 5, may_become: tuple[str, ...] = (), **options: Any
) -> AsyncIterator[Pool]:
    """A warm pool for one room; refuses (MayBypassRls) a login that could bypass row-level security.

    `may_become` lists roles the login may switch to although they bypass it: the gateway's `service_role`.
    """
    settings = {"application_name": name}
    async with asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        reset=_keep_nothing,
        command_timeout=30,
        server_settings=settings,
        **options,
    ) as pool:
        if roles := [row["rolname"] for row in await pool.fetch(_MAY_BYPASS, list(may_become))]:
            raise MayBypassRls(roles)
        yield pool


@asynccontextmanager
async def acting_as(pool: Pool, caller: Caller, role: str) -> AsyncIterator[Connection]:
    """One transaction carrying the room's role and the caller's claims; both are gone at commit."""
    claims = orjson.dumps(caller.claims()).decode()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", role, claims
        )
        yield connection
