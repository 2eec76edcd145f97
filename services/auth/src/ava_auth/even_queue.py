"""One bounded queue in front of Supabase Auth, so that waiting tells nothing about an account either.

Decisions 0061 and 0115.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ava_auth.constant_time import padded_to
from ava_auth.problems import AccountsAway

AT_ONCE = 3
WAITING_MAX = 100


class EvenQueue:
    """Few at a time, first come first served, each for a whole number of steps whatever it finds.

    A known address costs upstream a bcrypt, an unknown one nothing. Were a place free as soon as the work is
    done, both the one who waits and the ones behind could tell which it was.
    """

    def __init__(self, step_seconds: float, at_once: int = AT_ONCE, waiting_max: int = WAITING_MAX) -> None:
        self._step_seconds, self._most = step_seconds, at_once + waiting_max
        self._places = asyncio.Semaphore(at_once)
        self._inside = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Entered when a place is free. Raises AccountsAway when too many wait already."""
        if self._inside >= self._most:
            raise AccountsAway
        self._inside += 1
        try:
            async with self._places, padded_to(self._step_seconds):
                yield
        finally:
            self._inside -= 1
