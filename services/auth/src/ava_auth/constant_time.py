"""Pad answers to equal time, so that their duration does not tell who has an account.

Decision 0061.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def padded_to(seconds: float) -> AsyncIterator[None]:
    """Stretch what happens inside, success or failure, to the next whole multiple of `seconds`."""
    clock = asyncio.get_running_loop().time
    started = clock()
    try:
        yield
    finally:
        took = clock() - started
        if seconds > 0:
            await asyncio.sleep(math.ceil(took / seconds) * seconds - took)
