"""The worker of one process: splits what has come, works on many lanes, stops without a mess."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway import housekeeping, lanes
from ava_whatsapp_gateway.auth import Delegations
from ava_whatsapp_gateway.means import Means, Peers, open_peers
from ava_whatsapp_gateway.metrics import IN_FLIGHT
from ava_whatsapp_gateway.pace import Pace
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.split import split
from ava_whatsapp_gateway.walk import walk

_GRACE = 25.0
"""Seconds that lanes in flight get to finish their event at a stop; then their leases run out."""


@asynccontextmanager
async def working(pool: Pool, settings: Settings, arrived: asyncio.Event) -> AsyncIterator["Worker"]:
    """The worker at work; on leaving it finishes what it began and releases its lanes."""
    async with open_peers(settings, settings.concurrency) as peers:
        delegations = Delegations(settings.client_secret.get_secret_value())
        worker = Worker(Means(pool, settings, delegations, Pace(settings.number_rate)), peers, arrived)
        loops = [asyncio.create_task(worker.forever(step)) for step in worker.steps()]
        try:
            yield worker
        finally:
            await worker.stop()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


class Worker:
    """Loops that never end by an error: the database may go and come back under them."""

    def __init__(self, means: Means, peers: list[Peers], arrived: asyncio.Event) -> None:
        self._means = means
        self._idle = peers
        self._arrived = arrived
        self._due = asyncio.Event()
        self._stopping = asyncio.Event()
        self._walks: set[asyncio.Task[None]] = set()

    def steps(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        return self._split, self._claim, self._keep_house

    async def forever(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step until the stop; after an error take a breath."""
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
        if self._walks:
            await asyncio.wait(self._walks, timeout=_GRACE)
        for task in self._walks:
            task.cancel()
        await asyncio.gather(*self._walks, return_exceptions=True)

    async def _split(self) -> None:
        self._arrived.clear()
        if await split(self._means.pool, self._means.settings.phone_number_id):
            self._due.set()
            self._arrived.set()
        await self._wait(self._arrived)

    async def _claim(self) -> None:
        self._due.clear()
        settings = self._means.settings
        claimed = (
            await lanes.claim(self._means.pool, len(self._idle), settings.lease)
            if self._idle and not self._stopping.is_set()
            else []
        )
        for lane in claimed:
            task = asyncio.create_task(self._walk(lane, self._idle.pop()))
            self._walks.add(task)
            task.add_done_callback(self._walks.discard)
        IN_FLIGHT.set(len(self._walks))
        if not claimed or not self._idle:
            await self._wait(self._due)

    async def _walk(self, lane: lanes.Lane, peers: Peers) -> None:
        try:
            await walk(self._means, peers, lane, self._stopping)
        finally:
            self._idle.append(peers)
            self._due.set()

    async def _keep_house(self) -> None:
        await housekeeping.keep(self._means.pool, self._means.settings)
        await self._wait(self._stopping, 5 * self._means.settings.poll)

    async def _wait(self, event: asyncio.Event, seconds: float | None = None) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds or self._means.settings.poll)
