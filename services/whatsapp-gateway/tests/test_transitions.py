"""Every transition that docs/states.md draws is made by whom it names, through the gateway's own code."""

from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.contacts.pin_sweep import PinSweep
from ava_whatsapp_gateway.operator import actions
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.outbox import calls
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.queue import lanes, maintenance, retention
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import Actor, EventState, SendState

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .state_watch import DRAWN, put_event, put_send, put_undelivered, seen


@pytest.fixture
def by(gateway: Gateway, database: Database, linked: LinkNumber) -> "Make":
    return Make(gateway, database, linked)


@pytest.mark.parametrize("actor", Actor)
async def test_each_transition_is_made_by_whom_the_diagram_names(
    by: "Make", database: Database, actor: Actor
) -> None:
    drawn = {(table, *move) for table in DRAWN for move, makers in DRAWN[table].items() if actor in makers}
    for table, old, new in drawn:
        await getattr(by, f"{actor.replace(' ', '_')}_{table}")(old, new)
    assert drawn - await seen(database) == set()


class Make:
    """How each actor takes an event or a send from one state to another."""

    def __init__(self, gateway: Gateway, database: Database, linked: LinkNumber) -> None:
        self.gateway, self.database, self.linked = gateway, database, linked
        self.pool = gateway.pool

    async def ingest_events(self, old: EventState | None, new: EventState) -> None:
        if old:
            sender = await self._sender(await put_event(self.database, old))
            await self.gateway.keep(meta.text(sender, from_user_id="DE.1"))
            await self.gateway.keep(meta.text("4917000000000", from_user_id="DE.1"))
            await self.gateway.ingest()
            return
        broken = {"type": "text"}
        made = {EventState.READY: meta.text(), EventState.IGNORED: meta.text(type="reaction")}
        await self.gateway.keep(made.get(new, broken))
        await self.gateway.ingest()

    async def handler_events(self, old: EventState, new: EventState) -> None:
        if old is EventState.HELD:
            held = await put_event(self.database, old)
            await (self._deleted if new is EventState.DISCARDED else self._pinned)(held)
            return
        event = await self._claimed(old)
        if new is EventState.AWAITING:
            await put_send(self.database, event.id, SendState.UNKNOWN)
        await lanes.finish(self.gateway.writes, event, new, None, 20.0)

    lane_runner_events = handler_events

    async def link_events(self, old: EventState, _: EventState) -> None:
        await self.linked(f"+{await self._sender(await put_event(self.database, old))}")

    async def status_events(self, old: EventState, _: EventState) -> None:
        await self._status(await self._send(old, SendState.UNKNOWN))

    async def sender_events(self, old: EventState, _: EventState) -> None:
        await self._accepted(await self._send(old, SendState.UNKNOWN), "4917000000002")

    async def maintenance_events(self, old: EventState, new: EventState | None) -> None:
        if new is EventState.READY:
            event = await put_event(self.database, old)
            await self.pool.execute(
                "update whatsapp.contacts set user_id = $2"
                " where id = (select contact_id from whatsapp.events where id = $1)",
                event,
                await self.database.person(),
            )
            await PinSweep(self.pool).check_next()
            return
        await self._send(old, SendState.UNKNOWN)
        await self.pool.execute(
            "update whatsapp.events set reason = $1 where state = 'discarded'", retention.PAST
        )
        await maintenance.run(self.pool, self.gateway.settings)

    async def operator_events(self, old: EventState, new: EventState | None) -> None:
        event = await put_event(self.database, old)
        if new is None:  # what could not be read has no sender
            await self.pool.execute(
                "with kept as (insert into whatsapp.deliveries (digest, body, state)"
                " values (sha256($1::text::bytea), '{}', 'split') returning id)"
                " update whatsapp.events as e set contact_id = null, delivery_id = kept.id"
                " from kept where e.id = $1::text::bigint",
                str(event),
            )
        if old is EventState.DONE:  # there has to be something to do again
            await put_undelivered(self.database, event)
        action = {EventState.QUARANTINED: actions.quarantine, EventState.DISCARDED: actions.discard}
        await self._operate(event, action.get(new, actions.replay) if new else actions.replay)

    async def handler_outbox(self, _: SendState | None, new: SendState | None) -> None:
        event = await self._claimed(EventState.READY)
        if new is None:
            await put_send(self.database, event.id, SendState.READY)
            await outbox.decided(self.pool, replace(event, words=""))
            return
        if new is SendState.DISCARDED:
            await put_send(self.database, event.id, SendState.READY, "notice")
            await lanes.finish(self.gateway.writes, event, EventState.DONE, None, 20.0)
            return
        user = await self.database.person()
        await outbox.prepare(self.pool, event, outbox.Whose(user, None), ["hello"], 20.0)

    lane_runner_outbox = handler_outbox

    async def sender_outbox(self, old: SendState | None, new: SendState) -> None:
        if new is SendState.DISCARDED:
            await self._not_sent(await self._send(EventState.DONE, SendState.UNKNOWN, "notice"), new)
            return
        event = await self._claimed(EventState.READY)
        if old is None:
            draft = outbox.draft("hello", outbox.Whose(await self.database.person(), None))
            await calls.begin(self.gateway.writes, event, draft, self.gateway.settings)
            return
        send = await put_send(self.database, event.id, old)
        if new is SendState.SENDING:
            [begun] = await outbox.for_event(self.pool, event)
            await calls.begin(self.gateway.writes, event, begun, self.gateway.settings)
        elif new is SendState.ACCEPTED:
            await self._accepted(send)
        elif new is SendState.UNKNOWN:
            await outbox.mark_unknown(self.pool, send, 0, "no response")
        else:
            await self._not_sent(send, new)

    async def status_outbox(self, old: SendState, _: SendState) -> None:
        await self._status(await self._send(EventState.AWAITING, old))

    async def maintenance_outbox(self, old: SendState, _: SendState) -> None:
        await self._send(EventState.AWAITING, old)
        await maintenance.run(self.pool, self.gateway.settings)

    async def operator_outbox(self, old: SendState, new: SendState) -> None:
        if old is SendState.ACCEPTED:
            done = await put_event(self.database, EventState.DONE)
            await put_undelivered(self.database, done)
            await self._operate(done, actions.replay)
            return
        event = await put_event(self.database, EventState.UNRESOLVED)
        await put_send(self.database, event, old)
        known = old in (SendState.UNKNOWN, SendState.UNRESOLVED)
        again = actions.resolve_not_sent if known else actions.replay
        action = {SendState.DISCARDED: actions.discard, SendState.ACCEPTED: actions.resolve_sent}
        await self._operate(event, action.get(new, again))

    async def _claimed(self, state: EventState) -> Event:
        """A new event in this state, at the head of its lane and under our lease."""
        event = await put_event(self.database, state)
        await self.pool.execute(
            "select whatsapp.wake(array[contact_id], true) from whatsapp.events where id = $1", event
        )
        heads = [head for lane in await self.gateway.claim() for head in lane.events]
        return next(head for head in heads if head.id == event)

    async def _sender(self, event: int) -> str:
        """The number that sent it."""
        return str(
            await self.pool.fetchval(
                "select wa_digits from whatsapp.contacts as c join whatsapp.events as e"
                " on c.id = e.contact_id where e.id = $1",
                event,
            )
        )

    async def _deleted(self, event_id: int) -> None:
        """Its sender deletes on the phone what is held."""
        key = await self.pool.fetchval("select key from whatsapp.events where id = $1", event_id)
        revoke = {"original_message_id": key}
        await self.gateway.keep(meta.text(await self._sender(event_id), type="revoke", revoke=revoke))
        await self.gateway.round()

    async def _pinned(self, event: int) -> None:
        """The owner of its sender is found when the next message is handled."""
        await self.pool.execute(
            "update whatsapp.contacts set alias_digits = '4917000000001'"
            " where id = (select contact_id from whatsapp.events where id = $1)",
            event,
        )
        await self.linked("+4917000000001")
        await self.pool.execute("update whatsapp.events set state = 'held' where id = $1", event)
        await self.gateway.keep(meta.text(await self._sender(event)))
        await self.gateway.round()

    async def _send(self, event_state: EventState, state: SendState, kind: str = "answer") -> UUID:
        return await put_send(self.database, await put_event(self.database, event_state), state, kind)

    async def _accepted(self, send: UUID, alias: str | None = None) -> None:
        stored = await outbox.get(self.pool, send)
        await calls.mark_accepted(self.gateway.writes, stored, f"wamid.{send}", alias, meta.NUMBER_ID)

    async def _not_sent(self, send: UUID, new: SendState) -> None:
        final = new is SendState.FAILED
        await outbox.mark_not_sent(self.pool, send, 0, 131026, "refused", final=final, counts=True)

    async def _status(self, send: UUID) -> None:
        await self.gateway.keep(
            meta.status({"wamid": f"wamid.{send}", "to": "491", "biz_opaque_callback_data": str(send)})
        )
        await self.gateway.ingest()

    async def _operate(self, event: int, action: actions.Action) -> None:
        key = await self.pool.fetchval("select key from whatsapp.events where id = $1", event)
        connection = await asyncpg.connect(self.database.url("ava_whatsapp_gateway"))
        try:
            await actions.apply(connection, action, Filters(wamids=[key]))
        finally:
            await connection.close()
