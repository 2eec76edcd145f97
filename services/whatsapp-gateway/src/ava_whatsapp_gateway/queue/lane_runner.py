"""Run one claimed lane: event by event, until it is empty, has to wait, or is another process's.

Decisions 0050 and 0054.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ava_common.database import AWAY, BUSY, Pool, retry_while_away
from ava_common.log import log
from ava_common.tracing import new_trace
from ava_whatsapp_gateway.metrics import ALERTS, EVENTS, RETRIES
from ava_whatsapp_gateway.queue import backoff, lanes
from ava_whatsapp_gateway.queue.exceptions import (
    DeadEvent,
    DependencyAway,
    LaneChanged,
    LeaseLost,
    Release,
    RetryLater,
)
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.settings import Settings

_RELEASE_SECONDS = 10.0
Handle = Callable[[Event], Awaitable[None]]
"""Handles one event to its end; raises one of `queue.exceptions` to end early."""


@dataclass(frozen=True)
class LaneRunner:
    """Runs claimed lanes; `stopping` makes each end after its current event."""

    pool: Pool
    settings: Settings
    handle: Handle
    stopping: asyncio.Event

    async def run(self, lane: lanes.Lane) -> None:
        """Returns with the lane released, or lost to another process."""
        try:
            release = await self._work_through(lane)
            await retry_while_away(lambda: lanes.give_back(self.pool, lane, release), _RELEASE_SECONDS)
        except LeaseLost:
            log.warning("lane.lost", contact=lane.contact)
        except AWAY as error:
            # The lease expires by itself; what had happened is written down already or found out then.
            log.warning("lane.left", contact=lane.contact, why=type(error).__name__)

    async def _work_through(self, lane: lanes.Lane) -> Release:
        for event in lane.events:
            if self.stopping.is_set():
                break
            trace, _, request = event.trace.partition(" ")
            with new_trace(trace, request):
                try:
                    if release := await self._attempt(event, lane.tries):
                        return release
                except LaneChanged:
                    break
                except (*AWAY, *BUSY) as error:
                    log.warning("turn.interrupted", event_id=event.id, why=type(error).__name__)
                    return Release(self._soon(lane.tries), "database")
        return Release()

    async def _attempt(self, event: Event, tries: int) -> Release | None:
        """Handle one event: None when the lane goes on after it, else how long it has to wait."""
        try:
            await self.handle(event)
        except DeadEvent as dead:
            await self._end_as_dead(event, dead.reason)
        except DependencyAway as away:
            return await self._wait_for(event, away, tries)
        except RetryLater as later:
            return await self._put_back(event, later.release)
        except (*AWAY, *BUSY, LeaseLost, LaneChanged):
            raise
        except Exception as error:
            log.exception("turn.failed", event_id=event.id)
            return await self._count_failure(event, type(error).__name__)
        return None

    async def _wait_for(self, event: Event, away: DependencyAway, tries: int) -> Release | None:
        """For peers we retry for hours, not a number of attempts."""
        if datetime.now(UTC) - event.received_at > timedelta(hours=self.settings.peer_patience_hours):
            await self._end_as_dead(event, str(away))
            return None
        return await self._put_back(event, Release(self._soon(tries, away.retry_after_seconds), away.name))

    async def _count_failure(self, event: Event, reason: str) -> Release | None:
        """The event itself failed, which it may do only so many times."""
        if event.attempts + 1 >= self.settings.attempts:
            await self._end_as_dead(event, f"{event.attempts + 1} attempts, the last: {reason}")
            return None
        wait = backoff.seconds(event.attempts, unit=self.settings.backoff_unit_seconds)
        return await self._put_back(event, Release(wait, reason), failed=True)

    def _soon(self, tries: int, retry_after: float | None = None) -> float:
        """Our own services restart within seconds: ask again soon, and for long."""
        unit = self.settings.backoff_unit_seconds
        return backoff.seconds(tries, base=2.0, unit=unit, longest=30.0, retry_after=retry_after)

    async def _put_back(self, event: Event, release: Release, *, failed: bool = False) -> Release:
        if failed or release.reason != event.reason:
            await lanes.put_back(self.pool, event, release.reason, int(failed))
        RETRIES.labels(release.reason).inc()
        log.info("turn.waits", event_id=event.id, reason=release.reason, seconds=round(release.seconds, 1))
        return release

    async def _end_as_dead(self, event: Event, reason: str) -> None:
        """Dead, with all there is to know about it, for an operator to look at; the lane goes on."""
        try:
            await lanes.finish(self.pool, event, EventState.DEAD, reason, self.settings.lease_seconds)
        except LaneChanged:
            _alert(event, reason)
            raise
        _alert(event, reason)


def _alert(event: Event, reason: str) -> None:
    EVENTS.labels(EventState.DEAD).inc()
    ALERTS.labels("dead").inc()
    log.error("turn.dead", event_id=event.id, reason=reason, alert=True)
