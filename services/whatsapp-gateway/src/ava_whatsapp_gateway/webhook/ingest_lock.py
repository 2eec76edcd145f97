"""One process ingests at a time: an event acknowledged earlier is in its lane before a later one.

Decisions 0050, 0161 and 0169.
"""

import asyncio

from ava_common.database import Connection

# What is lost of it in a crash of the database is ingested again.
_LOCK = """
select pg_try_advisory_xact_lock(hashtextextended('whatsapp.split', 0))
from set_config('synchronous_commit', 'off', true)
"""
_PAUSES_SECONDS = (0.0, 0.01, 0.02, 0.04, 0.08)


async def lock(connection: Connection) -> bool:
    """Whether this transaction may ingest.

    Another process takes some milliseconds and is waited for: it may not have seen what arrived here since.
    """
    for pause in _PAUSES_SECONDS:
        await asyncio.sleep(pause)
        if await connection.fetchval(_LOCK):
            return True
    return False
