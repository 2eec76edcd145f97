"""Handle one turn from the top; every step is done once however often this runs."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from ava_common.callers import Caller
from ava_common.log import log
from ava_whatsapp_gateway import lanes, messaging, outbox, reply, sending, strangers, who
from ava_whatsapp_gateway.events import Dead, Event
from ava_whatsapp_gateway.means import Means, Peers
from ava_whatsapp_gateway.metrics import ECHO_SECONDS, EVENTS
from ava_whatsapp_gateway.parts import parts


async def handle(means: Means, peers: Peers, event: Event) -> None:
    """Returns with the event done, held, awaiting or dead; raises Later, RoomAway or LeaseLost."""
    found = await _whose(means, event)
    if found.linked:
        await strangers.welcome(means, peers, event)
    elif found.user_id is None:
        await strangers.hold(means, peers, event, found.reason)
    else:
        caller = await means.delegations.act_for(peers.auth, found.user_id)
        rows = await _log_and_answer(means, peers, event, caller)
        await _finish(means, event, rows)


async def _whose(means: Means, event: Event) -> who.Found:
    """A turn that stands in somebody's log stays theirs, and so does its answer, whoever is linked by now."""
    if event.logged_at and event.user_id:
        return who.Found(event.user_id)
    return await who.find(means.pool, event, by_code=means.settings.link_confirmation == "code")


async def _log_and_answer(means: Means, peers: Peers, event: Event, caller: Caller) -> list[outbox.Row]:
    avatar = event.avatar_id
    if not event.logged_at:
        avatar = await means.avatars.of(peers.profile, caller)
        avatar = await _keep(means, peers, caller, _inbound(event, avatar))
    rows = []
    for row in await _prepared(means, event, caller.id, avatar):
        settled = await sending.settle(means, peers, event, row)
        if settled.state == "accepted":
            await _keep(means, peers, caller, _outbound(settled, avatar))
        rows.append(settled)
    return rows


async def _keep(means: Means, peers: Peers, caller: Caller, turn: messaging.Turn) -> UUID | None:
    """The avatar it was logged with: one that went between two questions does not take the turn with it."""
    if not await messaging.keep(peers.messaging, caller, turn):
        means.avatars.forget(caller.id)
        turn = replace(turn, avatar_id=await means.avatars.of(peers.profile, caller))
        if not await messaging.keep(peers.messaging, caller, turn):
            turn = replace(turn, avatar_id=None)
            await messaging.keep(peers.messaging, caller, turn)
    return turn.avatar_id


async def _prepared(means: Means, event: Event, person: UUID, avatar: UUID | None) -> list[outbox.Row]:
    """What is to be sent: decided once, then taken from the outbox."""
    if event.logged_at and event.letters:
        return await outbox.of(means.pool, event)
    said = None if event.is_stale(means.settings.stale_after) else reply.answer(_turn(event, person, avatar))
    return await outbox.prepare(means.pool, event, person, avatar, parts(said or ""), means.settings.lease)


async def _finish(means: Means, event: Event, rows: list[outbox.Row]) -> None:
    states = {row.state for row in rows}
    if failed := [row for row in rows if row.state == "failed"]:
        raise Dead(f"the answer was refused with code {failed[0].code}")
    state = "done"
    if states & {"sending", "unknown"}:
        state = "awaiting"
    elif "unresolved" in states:
        state = "unresolved"
    await lanes.finish(means.pool, event, state, None, means.settings.lease)
    EVENTS.labels(state).inc()
    if rows and state == "done":
        ECHO_SECONDS.observe(max(0.0, (datetime.now(UTC) - event.received_at).total_seconds()))
    log.info("turn.handled", event_id=event.id, kind=event.kind, state=state, answers=len(rows))


def _turn(event: Event, person: UUID, avatar: UUID | None) -> reply.Turn:
    return reply.Turn(person, avatar, event.kind, event.words, event.sent_at)


def _inbound(event: Event, avatar: UUID | None) -> messaging.Turn:
    return messaging.Turn(event.turn_id, "user", event.words, event.sent_at, event.key, avatar)


def _outbound(row: outbox.Row, avatar: UUID | None) -> messaging.Turn:
    # Where a person said that it arrived, nobody knows its wamid.
    known_as, at = row.wamid or f"letter:{row.id}", row.accepted_at or row.changed_at
    return messaging.Turn(row.id, "assistant", row.body, at, known_as, avatar)
