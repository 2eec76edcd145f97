"""One process ingests at a time: an event acknowledged earlier is in its lane before a later one.

Decision 0050.
"""

import asyncio

from ava_common.database import Connection

_LOCK = "select pg_try_advisory_xact_lock(hashtextextended('whatsapp.split', 0))"
_PAUSES_SECONDS = (0.01, 0.02, 0.04, 0.08)


async def lock(connection: Connection) -> bool:
    """Whether this transaction may ingest. Another process takes some milliseconds, which are waited for:

    what arrived here meanwhile it may not have seen.
    """
    for pause in _PAUSES_SECONDS:
        if await connection.fetchval(_LOCK):
            return True
        await asyncio.sleep(pause)
    return False
