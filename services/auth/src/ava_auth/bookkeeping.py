"""What is written down after something has changed already: an entry that is lost undoes nothing.

Decision 0133.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from ava_common.database import AWAY
from ava_common.log import log


@asynccontextmanager
async def recording(event: str) -> AsyncIterator[None]:
    """Goes on without what was to be written inside when the database cannot take it; the log says so.

    An error would say that nothing was changed, which is not true any more.
    """
    try:
        yield
    except (*AWAY, asyncpg.PostgresError) as error:
        log.error("record.lost", of=event, error=type(error).__name__)
