"""Work through one lane: event by event, until it is empty, has to wait, or is somebody else's."""

import asyncio
from datetime import UTC, datetime, timedelta

from ava_common.database import AWAY
from ava_common.log import log
from ava_common.tracing import new_trace
from ava_whatsapp_gateway import backoff, lanes, turns
from ava_whatsapp_gateway.events import Again, Dead, Event, Later, LeaseLost
from ava_whatsapp_gateway.means import Means, Peers, insist
from ava_whatsapp_gateway.metrics import ALERTS, EVENTS, RETRIES
from ava_whatsapp_gateway.rooms import RoomAway, TokenStale


async def walk(means: Means, peers: Peers, lane: lanes.Lane, stopping: asyncio.Event) -> None:
    """Returns with the lane released, or lost to whoever took it over."""
    try:
        later = await _walk(means, peers, lane, stopping)
        await insist(lambda: lanes.release(means.pool, lane, later.seconds, later.reason), 10.0)
    except LeaseLost:
        log.warning("lane.lost", contact=lane.contact)
    except AWAY as error:
        # The lease runs out by itself; whatever had happened is written down or found out then.
        log.warning("lane.left", contact=lane.contact, why=type(error).__name__)


async def _walk(means: Means, peers: Peers, lane: lanes.Lane, stopping: asyncio.Event) -> Later:
    for event in lane.events:
        if stopping.is_set():
            break
        trace, _, request = event.trace.partition(" ")
        with new_trace(trace, request):
            try:
                await _handle(means, peers, event, lane.tries)
            except Later as later:
                RETRIES.labels(later.reason).inc()
                log.info(
                    "turn.waits", event_id=event.id, reason=later.reason, seconds=round(later.seconds, 1)
                )
                return later
            except Again:
                break
            except AWAY as error:
                log.warning("turn.interrupted", event_id=event.id, why=type(error).__name__)
                return Later("database", _soon(means, lane.tries))
    return Later("", 0.0)


async def _handle(means: Means, peers: Peers, event: Event, tries: int) -> None:
    """One event; whatever goes wrong becomes: later, dead, or not ours any more."""
    try:
        await turns.handle(means, peers, event)
    except Dead as dead:
        await _bury(means, event, dead.reason)
    except RoomAway as away:
        await _wait_for(means, event, str(away), Later(away.room, _soon(means, tries, away.asked)))
    except TokenStale as stale:
        # Nothing is wrong with this message: keys change, clocks differ. The next token is fresh.
        means.delegations.forget_all()
        await _wait_for(means, event, str(stale), Later("token", _soon(means, tries)))
    except Later as later:
        await _put_off(means, event, later)
    except (*AWAY, LeaseLost, Again):
        raise
    except Exception as error:
        log.exception("turn.failed", event_id=event.id)
        wait = backoff.seconds(event.attempts, unit=means.settings.backoff_unit)
        await _put_off(means, event, Later(type(error).__name__, wait, burns=True))


async def _wait_for(means: Means, event: Event, why: str, later: Later) -> None:
    """Our own rooms are waited for in hours, not in attempts."""
    if datetime.now(UTC) - event.received_at > timedelta(hours=means.settings.room_patience_hours):
        await _bury(means, event, why)
    else:
        await _put_off(means, event, later)


def _soon(means: Means, tries: int, asked: float | None = None) -> float:
    """Our own rooms restart within seconds: ask again soon, and for long."""
    return backoff.seconds(tries, base=2.0, unit=means.settings.backoff_unit, longest=30.0, asked=asked)


async def _put_off(means: Means, event: Event, later: Later) -> None:
    if later.burns and event.attempts + 1 >= means.settings.attempts:
        return await _bury(means, event, f"{event.attempts + 1} attempts, the last: {later.reason}")
    if later.burns or later.reason != event.reason:
        await lanes.put_back(means.pool, event, later.reason, int(later.burns))
    raise later


async def _bury(means: Means, event: Event, reason: str) -> None:
    """Dead, with all there is to know about it, for a person to look at; the lane goes on."""
    try:
        await lanes.finish(means.pool, event, "dead", reason, means.settings.lease)
    except Again:
        _mourn(event, reason)
        raise
    _mourn(event, reason)


def _mourn(event: Event, reason: str) -> None:
    EVENTS.labels("dead").inc()
    ALERTS.labels("dead").inc()
    log.error("turn.dead", event_id=event.id, reason=reason, alert=True)
