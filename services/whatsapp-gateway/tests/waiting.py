"""Wait for the worker, or for a lock, by what the database says."""

from ava_common.database import AWAY, Pool
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually


async def until_idle(database: Database) -> None:
    """Until the worker has ingested every delivery and has no lane left to work on."""
    left = "select from whatsapp.lanes union all select from whatsapp.arrivals"

    async def is_idle() -> bool:
        return not await database.admin(left)

    await eventually(is_idle)


async def until_blocked(database: Database) -> None:
    """Until a statement in this database waits for a lock."""
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

    async def is_blocked() -> bool:
        return bool(await database.admin(waiting))

    await eventually(is_blocked)


async def works(pool: Pool) -> bool:
    """Whether the database answers."""
    try:
        return bool(await pool.fetchval("select true"))
    except AWAY:
        return False
