"""The local stack's PostgreSQL runs no process that nobody needs, and few for each service.

Decision 0188.
"""

import asyncpg

from ava_local.stack.control import Stack

NEEDED = {
    *("autovacuum launcher", "background writer", "checkpointer", "client backend", "walwriter"),
    *("autovacuum worker", "parallel worker"),
}
_TYPES = "select distinct backend_type from pg_stat_activity"


async def test_nothing_runs_that_nobody_needs(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.database_url())
    try:
        running = {row["backend_type"] for row in await connection.fetch(_TYPES)}
    finally:
        await connection.close()
    assert running <= NEEDED
