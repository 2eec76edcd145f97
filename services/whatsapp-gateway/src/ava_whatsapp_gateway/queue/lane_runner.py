"""Run one claimed lane: event by event, until it is empty, has to wait, or is another process's.

Decisions 0050, 0054, 0104 and 0106.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ava_common.database import Pool, retry_while_away
from ava_common.database_errors import AWAY, BUSY, is_about_data
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
from ava_whatsapp_gateway.queue.group_commit import GroupCommit
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.settings import Settings

_SHARED_BELOW_SECONDS = 10.0
"""A service that asks for more patience than this is not probed meanwhile."""
Handle = Callable[[Event], Awaitable[None]]
"""Handles one event to its end; raises one of `queue.exceptions` to end early."""


@dataclass(frozen=True)
class LaneRunner:
    """Runs claimed lanes; `stopping` makes each end after its current event."""

    pool: Pool
    writes: GroupCommit
    settings: Settings
    handle: Handle
    stopping: asyncio.Event

    async def run(self, lane: lanes.Lane) -> None:
        """Returns with the lane released, or lost to another process."""
        try:
            release = await self._work_through(lane)
            if lane.given_back:
                return
            # As long as the lease lasts, so that a database that is back finds the lane due at once.
            lease_seconds = self.settings.lease_seconds
            await retry_while_away(lambda: lanes.give_back(self.pool, lane, release), lease_seconds)
        except LeaseLost:
            log.warning("lane.lost", contact=lane.contact)
        except Exception as error:
            # The lease expires by itself; what had happened is written down already or found out then.
            away = isinstance(error, AWAY + BUSY)
            log.warning("lane.left", contact=lane.contact, why=type(error).__name__, exc_info=not away)

    async def _work_through(self, lane: lanes.Lane) -> Release:
        for event in lane.events:
            if self.stopping.is_set():
                break
            trace, _, request = event.trace.partition(" ")
            with new_trace(trace, request):
                try:
                    if release := await self._attempt(event, lane.tries):
                        return release
                    if event.reason:
                        await lanes.wake_waiting(self.pool, event.reason)
                except LaneChanged:
                    break
                except LeaseLost:
                    raise
                except Exception as error:
                    return self._interrupted(event, error, lane.tries)
        return Release()

    def _interrupted(self, event: Event, error: Exception, tries: int) -> Release:
        """The database is away, or does not fit: through no fault of this event's."""
        # Once the lane can be given back, a database that was away is back: there is nothing to wait for.
        away = isinstance(error, AWAY + BUSY)
        why = str(error) if isinstance(error, AWAY) else type(error).__name__
        log.warning("turn.interrupted", event_id=event.id, why=why, exc_info=not away)
        return Release(self._soon(0 if away else tries), "database")

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
        except Exception as error:
            if isinstance(error, LeaseLost | LaneChanged) or not is_about_data(error):
                raise
            log.exception("turn.failed", event_id=event.id)
            return await self._count_failure(event, type(error).__name__)
        return None

    async def _wait_for(self, event: Event, away: DependencyAway, tries: int) -> Release | None:
        """For peers we retry for hours, not a number of attempts."""
        if datetime.now(UTC) - event.received_at > timedelta(hours=self.settings.peer_patience_hours):
            await self._end_as_dead(event, str(away))
            return None
        asked = away.retry_after_seconds
        shared = away.shared and (asked or 0.0) < _SHARED_BELOW_SECONDS
        return await self._put_back(event, Release(self._soon(tries, asked), away.name, shared))

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
            await lanes.finish(self.writes, event, EventState.DEAD, reason, self.settings.lease_seconds)
        except LaneChanged:
            _alert(event, reason)
            raise
        _alert(event, reason)


def _alert(event: Event, reason: str) -> None:
    EVENTS.labels(EventState.DEAD).inc()
    ALERTS.labels("dead").inc()
    log.error("turn.dead", event_id=event.id, reason=reason, alert=True)
