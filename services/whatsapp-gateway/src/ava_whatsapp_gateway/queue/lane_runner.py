"""Run one claimed lane: event by event, until it is empty, has to wait, or is another process's."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ava_common.database import AWAY, Pool, retry_while_away
from ava_common.log import log
from ava_common.tracing import new_trace
from ava_whatsapp_gateway.metrics import ALERTS, EVENTS, RETRIES
from ava_whatsapp_gateway.queue import backoff, lanes
from ava_whatsapp_gateway.queue.event import Event
from ava_whatsapp_gateway.queue.outcomes import (
    DeadLetter,
    DependencyAway,
    LaneChanged,
    LeaseLost,
    RetryLater,
)
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.settings import Settings

_RELEASE_SECONDS = 10.0
Handle = Callable[[Event], Awaitable[None]]
"""Handles one event to its end; raises an outcome of `outcomes` to end early."""


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
            pause = await self._run_events(lane)
            seconds, reason = (pause.seconds, pause.reason) if pause else (0.0, "")
            release = lambda: lanes.release(self.pool, lane, seconds, reason)  # noqa: E731
            await retry_while_away(release, _RELEASE_SECONDS)
        except LeaseLost:
            log.warning("lane.lost", contact=lane.contact)
        except AWAY as error:
            # The lease expires by itself; what had happened is written down already or found out then.
            log.warning("lane.left", contact=lane.contact, why=type(error).__name__)

    async def _run_events(self, lane: lanes.Lane) -> RetryLater | None:
        """Why and how long the lane has to wait; None when it does not."""
        for event in lane.events:
            if self.stopping.is_set():
                break
            trace, _, request = event.trace.partition(" ")
            with new_trace(trace, request):
                try:
                    await self._run_event(event, lane.tries)
                except RetryLater as later:
                    RETRIES.labels(later.reason).inc()
                    log.info(
                        "turn.waits", event_id=event.id, reason=later.reason, seconds=round(later.seconds, 1)
                    )
                    return later
                except LaneChanged:
                    break
                except AWAY as error:
                    log.warning("turn.interrupted", event_id=event.id, why=type(error).__name__)
                    return RetryLater("database", self._soon(lane.tries))
        return None

    async def _run_event(self, event: Event, tries: int) -> None:
        """Handle one event; what goes wrong becomes: later, dead, or another process's."""
        try:
            await self.handle(event)
        except DeadLetter as dead:
            await self._dead_letter(event, dead.reason)
        except DependencyAway as away:
            await self._wait_for(event, away, tries)
        except RetryLater as later:
            await self._put_back(event, later)
        except (*AWAY, LeaseLost, LaneChanged):
            raise
        except Exception as error:
            log.exception("turn.failed", event_id=event.id)
            wait = backoff.seconds(event.attempts, unit=self.settings.backoff_unit_seconds)
            await self._put_back(event, RetryLater(type(error).__name__, wait, counts=True))

    async def _wait_for(self, event: Event, away: DependencyAway, tries: int) -> None:
        """For sibling services we retry for hours, not a number of attempts."""
        if datetime.now(UTC) - event.received_at > timedelta(hours=self.settings.peer_patience_hours):
            await self._dead_letter(event, str(away))
        else:
            wait = self._soon(tries, away.retry_after_seconds)
            await self._put_back(event, RetryLater(away.name, wait))

    def _soon(self, tries: int, retry_after: float | None = None) -> float:
        """Our own services restart within seconds: ask again soon, and for long."""
        unit = self.settings.backoff_unit_seconds
        return backoff.seconds(tries, base=2.0, unit=unit, longest=30.0, retry_after=retry_after)

    async def _put_back(self, event: Event, later: RetryLater) -> None:
        if later.counts and event.attempts + 1 >= self.settings.attempts:
            reason = f"{event.attempts + 1} attempts, the last: {later.reason}"
            return await self._dead_letter(event, reason)
        if later.counts or later.reason != event.reason:
            await lanes.put_back(self.pool, event, later.reason, int(later.counts))
        raise later

    async def _dead_letter(self, event: Event, reason: str) -> None:
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
