"""Logging in to the database: in line while all connections are taken, slowly while a password is refused.

Decision 0119. See docs/contracts/postgres.md#connecting-to-a-hosted-database.
"""

import asyncio
import time
from typing import Any

import asyncpg

IN_LINE_SECONDS = 2.5
"""How long a login waits for a connection of its role to become free, and at most half of its time-out: those
who wait for it are told the reason, and not only that it took too long."""

LONGEST_PAUSE_SECONDS = 30.0
"""Between two attempts with a refused password: a host may shut out one that tries too often."""


_MAY_BYPASS = """
select r.rolname from pg_catalog.pg_roles r
 where (r.rolsuper or r.rolbypassrls)
   and pg_catalog.pg_has_role(session_user, r.oid, 'member')
   and r.rolname <> all ($1::text[])
"""


class MayBypassRls(SystemExit):
    """This database role could read every user's rows."""

    def __init__(self, roles: list[str]) -> None:
        super().__init__(
            "This service refuses to start: its DATABASE_URL logs in as a role that can bypass "
            f"row-level security (through {', '.join(roles)}). Use the service's own role; "
            "supabase/migrations creates it."
        )


class Login:
    """What a pool connects with, one for each pool; `may_become` are roles that it may switch to."""

    def __init__(self, may_become: tuple[str, ...] = ()) -> None:
        self._may_become = list(may_become)
        self._refusals, self._next_attempt = 0, 0.0

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() < self._next_attempt:
            raise asyncpg.InvalidPasswordError("the password was refused a moment ago")
        try:
            connection = await _in_line(*args, **kwargs)
        except asyncpg.InvalidPasswordError:
            self._next_attempt = time.monotonic() + min(2.0**self._refusals, LONGEST_PAUSE_SECONDS)
            self._refusals += 1
            raise
        self._refusals = 0
        await self._refuse_bypass(connection)
        return connection

    async def _refuse_bypass(self, connection: Any) -> None:
        if roles := [row["rolname"] for row in await connection.fetch(_MAY_BYPASS, self._may_become)]:
            await connection.close()
            raise MayBypassRls(roles)


async def _in_line(*args: Any, **kwargs: Any) -> Any:
    deadline = time.monotonic() + min(IN_LINE_SECONDS, kwargs.get("timeout", 60.0) / 2)
    while True:
        try:
            return await asyncpg.connect(*args, **kwargs)
        except (asyncpg.TooManyConnectionsError, asyncpg.InternalServerError) as error:
            if not are_all_taken(error) or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.25)


def are_all_taken(error: asyncpg.PostgresError) -> bool:
    """Whether others hold all connections that there are: PostgreSQL's code for it, or a pooler's words."""
    return isinstance(error, asyncpg.TooManyConnectionsError) or "max clients" in str(error).lower()
