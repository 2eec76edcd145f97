"""The session with PostgreSQL: one transaction, one role, one caller's claims.

Decisions 0002, 0104, 0112, 0116, 0118 and 0163. See docs/contracts/postgres.md#settings-of-a-transaction and
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
from ava_common.connection_pool import ConnectionPool
from ava_common.database_errors import AWAY as AWAY
from ava_common.database_errors import BUSY as BUSY
from ava_common.database_errors import DatabaseUnavailable
from ava_common.database_login import Login
from ava_common.database_login import MayBypassRls as MayBypassRls
from ava_common.database_types import KnowsTypes
from ava_common.log import log
from ava_common.problems import Problem

T = TypeVar("T")
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

WAIT_SECONDS = 5.0
"""How long a connection may take to be made, or to become free: Meta and other services wait no longer."""

START_SECONDS = 3.0
"""How long a start waits for its first connection; then the readiness check says what it waits for."""

GONE = asyncpg.NoDataFoundError
"""What a statement raises whose caller's account was deleted (`ava_private.own_account`)."""

_BECOME = """
select set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
  set_config('request.jwt.claim.sub', '', true), set_config('request.jwt.claim', '', true)
"""


class AccountGone(Problem):
    """Your account no longer exists, so nothing can be read or stored. Sign up again to start over."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


async def _no_reset(connection: Any) -> None:
    """We only ever set transaction-local state, so asyncpg's reset round trip would find nothing to undo."""


@asynccontextmanager
async def open_pool(
    url: str,
    *,
    name: str,
    size: int = 5,
    may_become: tuple[str, ...] = (),
    wait_seconds: float = WAIT_SECONDS,
) -> AsyncIterator[Pool]:
    """A warm pool for one service; refuses (MayBypassRls) a login that could bypass row-level security.

    `may_become` lists roles that the login may switch to although they bypass it, such as `service_role`.
    `wait_seconds` is how long a connection may take to be made, or to become free.
    A database that cannot be used yet does not end the start: each use of the pool tries again.
    """
    async with ConnectionPool(
        url,
        wait_seconds=wait_seconds,
        min_size=0,
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        connect=Login(may_become),
        reset=_no_reset,
        loop=None,
        connection_class=KnowsTypes,
        record_class=asyncpg.Record,
        command_timeout=30,
        server_settings={"application_name": name},
    ) as pool:
        await _connect_once(pool)
        yield pool


async def _connect_once(pool: Pool) -> None:
    try:
        async with asyncio.timeout(START_SECONDS), pool.acquire():
            pass
    except (DatabaseUnavailable, TimeoutError) as error:
        log.warning("database.not_ready", error=str(error) or type(error).__name__)


@asynccontextmanager
async def acting_as(
    pool: Pool, caller: Caller, role: str, *, snapshot: bool = False
) -> AsyncIterator[Connection]:
    """One transaction carrying the service's role and the caller's claims; both are gone at commit.

    With `snapshot` all its statements see the same moment (repeatable read). The policies'
    functions would believe claims of an older form before these, so those are cleared.
    """
    claims = orjson.dumps(caller.claims()).decode()
    isolation: Literal["repeatable_read"] | None = "repeatable_read" if snapshot else None
    async with pool.acquire() as connection, connection.transaction(isolation=isolation):
        await connection.execute(_BECOME, role, claims)
        yield connection


async def retry_while_away(write: Callable[[], Awaitable[T]], seconds: float = 20.0) -> T:
    """Write down a fact from outside, also while the database restarts: it cannot be asked for again.

    Raises what the last attempt raised once `seconds` are over.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await write()
        except (*AWAY, *BUSY):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.25)
