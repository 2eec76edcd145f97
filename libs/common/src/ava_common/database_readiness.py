"""Whether the database fits: it responds, is migrated, can be written, and keeps what a connection prepared.

Decision 0118. See docs/contracts/postgres.md#connecting-to-a-hosted-database.
"""

import asyncio
import time

import asyncpg

from ava_common import database_url, schema_migrations
from ava_common.database import Connection, Pool
from ava_common.database_errors import DatabaseUnavailable
from ava_common.database_failures import explain
from ava_common.health import Finding, missing

TIMEOUT_SECONDS = 3.0
PASSWORD_SECONDS = 30.0
"""How long a password that was just set may be refused by a pooler; then it is called wrong."""

_READ_ONLY = "select current_setting('transaction_read_only') = 'on'"
_MISSING = "select ava_private.missing_migrations(p_versions => $1)"
_SERVER_PROCESS = "select pg_backend_pid()"
_TOO_OLD = (
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InsufficientPrivilegeError,
)
_LOST_STATEMENT = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
READ_ONLY = (
    "the database is read-only: it is a replica, or its disk is full. "
    "Use the primary's address in {variable}, or make space"
)


class DatabaseReadiness:
    """Asked by a service's readiness check; `variable` names what holds the URL of `pool`."""

    def __init__(self, pool: Pool, url: str, variable: str) -> None:
        self._pool, self._variable = pool, variable
        self._address = database_url.address(url)
        self._keeps_statements = False
        self._refused_since: float | None = None

    async def findings(self) -> list[Finding]:
        """What the database lacks; nothing when the service can work with it."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                found = await self._ask()
        except (DatabaseUnavailable, TimeoutError, asyncpg.PostgresError) as error:
            return [missing("database", await self._explained(_cause(error)))]
        self._refused_since = None
        return [missing("database", found)] if found else []

    async def _ask(self) -> str | None:
        if not self._keeps_statements and await shares_connections(self._pool):
            return f"{self._variable} {database_url.TRANSACTION_POOLER}"
        self._keeps_statements = True
        async with self._pool.acquire() as connection:
            if await connection.fetchval(_READ_ONLY):
                return READ_ONLY.format(variable=self._variable)
            return await missing_migrations(connection)

    async def _explained(self, error: BaseException) -> str:
        if isinstance(error, asyncpg.InvalidPasswordError):
            return self._refused()
        return await explain(error, self._address, self._variable)

    def _refused(self) -> str:
        """Two sentences, one after the other: it may only be too new, and it is wrong."""
        now, role = time.monotonic(), self._address.role
        self._refused_since = self._refused_since or now
        refused = f"the password of {role} in {self._variable} is refused"
        if now - self._refused_since < PASSWORD_SECONDS:
            return f"{refused}. If it was set a moment ago, that takes some seconds: it is tried again"
        return (
            f"{refused}, and has been for more than {PASSWORD_SECONDS:.0f} s: it is wrong, "
            "or a special character in it is not escaped. Set it again, and write the same one here"
        )


def _cause(error: BaseException) -> BaseException:
    """What the driver said when the pool says that the database is away."""
    return error.cause if isinstance(error, DatabaseUnavailable) else error


async def shares_connections(pool: Pool) -> bool:
    """Whether the server's connections are shared between clients: a transaction pooler.

    Two clients ask in turns which server process serves them, each question a transaction of its own. Without
    such a pooler each has a process to itself and keeps it.
    """
    try:
        async with pool.acquire() as one, pool.acquire() as other:
            served = [await client.fetchval(_SERVER_PROCESS) for client in (one, other, other, one, one)]
    except Exception as error:
        if isinstance(_cause(error), _LOST_STATEMENT):
            return True
        raise
    return len({served[0], served[3], served[4]}) > 1 or served[1] != served[2] or served[0] == served[1]


async def missing_migrations(connection: Connection) -> str | None:
    """Names the newest of the needed migrations that the database lacks; None if it has them all."""
    try:
        lacking = await connection.fetchval(_MISSING, list(schema_migrations.NEEDED))
    except _TOO_OLD:
        lacking = schema_migrations.NEEDED[-1:]
    if not lacking:
        return None
    others = f" and {len(lacking) - 1} before it" if len(lacking) > 1 else ""
    return (
        f"the database lacks the migration {lacking[-1]}{others}: apply supabase/migrations "
        "(supabase db push), then this is ready by itself"
    )
