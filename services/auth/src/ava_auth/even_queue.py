"""One bounded queue in front of Supabase Auth, so that waiting tells nothing about an account either.

Decisions 0061, 0115 and 0184.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeAlias

from ava_auth.constant_time import padded_to
from ava_auth.problems import AccountsAway
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.log import log

Work: TypeAlias = Coroutine[None, None, None]

AT_ONCE = 3
WAITING_MAX = 100
FULL_SECONDS = 5  # how long a network that fills its half of the queue is asked to wait
MOST_OF_A_STEP = 0.75  # for a mail, sent or not: what follows begins after it, in the same step
PATIENT_STEPS = 4


class EvenQueue:
    """Few at a time, first come first served, each for a whole number of steps whatever it finds.

    A known address costs upstream a bcrypt, an unknown one nothing. Were a place free as soon as the work is
    done, both the one who waits and the ones behind could tell which it was. In each step as many begin as
    have a place, one after another: what each needs of the CPU does not meet.
    """

    def __init__(self, step_seconds: float, at_once: int = AT_ONCE, waiting_max: int = WAITING_MAX) -> None:
        self._step_seconds, self._most = step_seconds, at_once + waiting_max
        self._places, self._beginning = asyncio.Semaphore(at_once), asyncio.Lock()
        self._apart_seconds, self._next_begins_at = step_seconds / at_once, 0.0
        self._inside = 0
        self._of_network: Counter[str] = Counter()
        self._going_on: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def turn(self, network: str) -> AsyncIterator[None]:
        """Entered when a place is free. Raises AccountsAway when too many wait already.

        TooManyAttempts when half of all are of this network: the other half is for the others.
        """
        if self._of_network[network] * 2 >= self._most:
            raise TooManyAttempts(FULL_SECONDS)
        if self._inside >= self._most:
            raise AccountsAway
        self._inside += 1
        self._of_network[network] += 1
        try:
            async with self._places:
                await self._begin()
                async with padded_to(self._step_seconds):
                    yield
        finally:
            self._inside -= 1
            self._of_network[network] -= 1
            self._of_network += Counter()  # drops networks that nobody is left of

    async def _begin(self) -> None:
        """Apart from the one before; one who leaves instead of beginning delays nobody."""
        async with self._beginning:
            now = asyncio.get_running_loop().time()
            begins_at = max(now, self._next_begins_at)
            await asyncio.sleep(begins_at - now)
            self._next_begins_at = begins_at + self._apart_seconds

    async def without_waiting(self, work: Work, *, unless: bool = False) -> asyncio.Task[None]:
        """Give a mail within a turn its part of the step, used or not: then it goes on by itself."""
        task = asyncio.create_task(work)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)
        seconds = 0 if unless else self._step_seconds * MOST_OF_A_STEP
        await (asyncio.sleep(seconds) if seconds else asyncio.wait([task]))
        if task.done():
            task.result()
        else:
            task.add_done_callback(_tell_failure)
        return task

    async def wait_as_long(self, work: asyncio.Task[None]) -> None:
        """Outside of a turn wait for some steps whatever happens: what has failed by then is told."""
        await asyncio.sleep(self._step_seconds * PATIENT_STEPS)
        if work.done():
            work.result()

    async def finish(self) -> None:
        """Wait for all that goes on by itself."""
        await asyncio.gather(*self._going_on, return_exceptions=True)


def _tell_failure(task: asyncio.Task[None]) -> None:
    failed = None if task.cancelled() else task.exception()
    if failed:
        log.error("mail.unsent", error=type(failed).__name__)
