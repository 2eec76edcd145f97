"""The worker of one process: ingests deliveries, works on many lanes at once, stops cleanly.

Decisions 0050, 0144 and 0161.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.metrics import ANSWERS_AWAITED, IN_FLIGHT
from ava_whatsapp_gateway.queue import lanes, maintenance
from ava_whatsapp_gateway.queue.group_commit import GroupCommit
from ava_whatsapp_gateway.queue.lane_runner import Handle, LaneRunner
from ava_whatsapp_gateway.queue.lease_keeper import LeaseKeeper
from ava_whatsapp_gateway.settings import Settings

_GRACE_SECONDS, _THOUGHT_GRACE_SECONDS = 25.0, 20.0
"""How long lanes in flight may take to finish their event at a stop, then their leases expire; and how long
an answer is still waited for, then its lane is given back."""

Ingest = Callable[[], Awaitable[int]]
"""Turns stored deliveries into events; the number of deliveries done, 0 when there were none."""


@asynccontextmanager
async def running(worker: "Worker") -> AsyncIterator[None]:
    """The worker at work; on leaving it finishes the events it began and releases its lanes."""
    loops = [asyncio.create_task(worker.repeat(step)) for step in worker.steps()]
    loops.append(asyncio.create_task(worker.keeper.renew_forever()))
    try:
        yield
    finally:
        await worker.stop()
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


class Worker:
    """Loops that no error ends: the database may go away and come back under them.

    `arrived` is set when a delivery was stored. `ingest` makes events of deliveries and `handle` does what an
    event asks for; `sweep` repairs contacts. The queue itself knows nothing of these. The lanes of `keeper`
    wait for an answer and do not count as being worked on; there may be as many again as are claimed. Nothing
    is looked at twice: fewer deliveries than `deliveries_at_once`, or fewer lanes than were free, were all.
    """

    def __init__(
        self,
        pool: Pool,
        writes: GroupCommit,
        settings: Settings,
        arrived: asyncio.Event,
        *,
        ingest: Ingest,
        handle: Handle,
        sweep: Callable[[], Awaitable[int]],
        keeper: LeaseKeeper,
        deliveries_at_once: int = 1,
        events_per_claim: int = lanes.EVENTS_PER_CLAIM,
    ) -> None:
        self._pool, self._settings, self._arrived, self._ingest = pool, settings, arrived, ingest
        self._sweep, self.keeper = sweep, keeper
        self._deliveries_at_once, self._events_per_claim = deliveries_at_once, events_per_claim
        self._due = keeper.changed
        self._stopping = asyncio.Event()
        self._lane_runner = LaneRunner(pool, writes, settings, handle, self._stopping)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._claimed_all = False

    def steps(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        return self._ingest_deliveries, self._claim_lanes, self._probe, self._maintain

    async def repeat(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step until the stop; after an error wait a moment."""
        while not self._stopping.is_set():
            try:
                await step()
            except Exception as error:
                log.warning("worker.step_failed", step=step.__name__, why=type(error).__name__, exc_info=True)
                await asyncio.sleep(0.5)

    async def stop(self) -> None:
        self._stopping.set()
        self._due.set()
        self._arrived.set()
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=_THOUGHT_GRACE_SECONDS)
        self.keeper.give_up()
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=_GRACE_SECONDS - _THOUGHT_GRACE_SECONDS)
        for task in self._in_flight:
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)

    async def _ingest_deliveries(self) -> None:
        self._arrived.clear()
        done = await self._ingest()
        if done:
            self._due.set()
        if done >= self._deliveries_at_once:  # there may be more
            self._arrived.set()
        await self._wait(self._arrived)

    async def _claim_lanes(self) -> None:
        self._due.clear()
        self._claimed_all = False  # until it is known: a place may become free meanwhile
        settings, waiting = self._settings, len(self.keeper.kept)
        free = settings.concurrency - (len(self._in_flight) - waiting)
        free, claimed = min(free, settings.answer_concurrency - waiting), []
        if free > 0 and not self._stopping.is_set():
            claimed = await lanes.claim(self._pool, free, settings.lease_seconds, self._events_per_claim)
        self._claimed_all = len(claimed) < free
        for lane in claimed:
            task = asyncio.create_task(self._lane_runner.run(lane))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
            # With nothing else to claim, and nothing left in this lane, there is nothing to look for; unless
            # it had to wait: then it may have woken others.
            task.add_done_callback(
                partial(
                    lambda lane, _: (
                        self._due.set() if lane.tries or not (self._claimed_all and lane.is_empty) else None
                    ),
                    lane,
                )
            )
        IN_FLIGHT.set(len(self._in_flight))
        ANSWERS_AWAITED.set(waiting)
        await self._wait(self._due)

    async def _probe(self) -> None:
        """Find out soon that what lanes wait for is back, with one of them."""
        await self._wait(self._stopping)
        if await lanes.probe_waiting(self._pool):
            self._due.set()

    async def _maintain(self) -> None:
        await maintenance.run(self._pool, self._settings)
        await self._sweep()
        await self._wait(self._stopping, 5 * self._settings.poll_seconds)

    async def _wait(self, event: asyncio.Event, seconds: float | None = None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds or self._settings.poll_seconds):
                await event.wait()
