"""The session with PostgreSQL: one transaction, one role, one caller's claims.

Decisions 0002 and 0118. See docs/contracts/postgres.md#settings-of-a-transaction and
docs/contracts/postgres.md#connecting-to-a-hosted-database.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias, TypeVar

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from ava_common.caller import Caller
from ava_common.database_login import Login
from ava_common.database_login import MayBypassRls as MayBypassRls
from ava_common.log import log

T = TypeVar("T")
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a pooled connection that the server has ended, and we see it only now
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.InvalidAuthorizationSpecificationError,  # a refused password too: it may only be too new
    asyncpg.InvalidCatalogNameError,
)
"""What asyncpg raises when the database is down, cannot be logged in to, or does not answer in time."""

START_SECONDS = 3.0
"""How long a start waits for its first connection; then the readiness check says what it waits for."""


async def _no_reset(connection: Any) -> None:
    """We only ever set transaction-local state, so asyncpg's reset round trip would find nothing to undo."""


@asynccontextmanager
async def open_pool(
    url: str, *, name: str, size: int = 5, may_become: tuple[str, ...] = (), **options: Any
) -> AsyncIterator[Pool]:
    """A warm pool for one service; refuses (MayBypassRls) a login that could bypass row-level security.

    `may_become` lists roles that the login may switch to although they bypass it, such as `service_role`.
    A database that cannot be used yet does not end the start: each use of the pool tries again.
    """
    async with asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        connect=Login(may_become),
        reset=_no_reset,
        command_timeout=30,
        server_settings={"application_name": name},
        **options,
    ) as pool:
        await _connect_once(pool)
        yield pool


async def _connect_once(pool: Pool) -> None:
    try:
        async with asyncio.timeout(START_SECONDS), pool.acquire():
            pass
    except (*AWAY, asyncpg.PostgresError) as error:
        log.warning("database.not_ready", error=type(error).__name__)


@asynccontextmanager
async def acting_as(
    pool: Pool, caller: Caller, role: str, *, snapshot: bool = False
) -> AsyncIterator[Connection]:
    """One transaction carrying the service's role and the caller's claims; both are gone at commit.

    With `snapshot` all its statements see the same moment (repeatable read).
    """
    claims = orjson.dumps(caller.claims()).decode()
    isolation: Literal["repeatable_read"] | None = "repeatable_read" if snapshot else None
    async with pool.acquire() as connection, connection.transaction(isolation=isolation):
        await connection.execute(
            "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", role, claims
        )
        yield connection


async def retry_while_away(write: Callable[[], Awaitable[T]], seconds: float = 20.0) -> T:
    """Write down a fact from outside, also while the database restarts: it cannot be asked for again.

    Raises what the last attempt raised once `seconds` are over.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await write()
        except (*AWAY, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.25)
