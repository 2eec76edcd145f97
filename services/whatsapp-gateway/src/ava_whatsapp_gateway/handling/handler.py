"""Handle one event from the start; every step takes effect once, however often this runs."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from ava_common.caller import Caller
from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.cloud_api.text_chunks import text_chunks
from ava_whatsapp_gateway.contacts.owners import Owner, find_owner
from ava_whatsapp_gateway.handling.answerer import Answerer, Turn
from ava_whatsapp_gateway.handling.unlinked import UnlinkedSenders
from ava_whatsapp_gateway.metrics import ECHO_SECONDS, EVENTS
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.outbox.sender import Sender
from ava_whatsapp_gateway.outbox.store import Send
from ava_whatsapp_gateway.peers import messaging
from ava_whatsapp_gateway.peers.auth import DelegatedTokens
from ava_whatsapp_gateway.peers.clients import ClientPool, Clients
from ava_whatsapp_gateway.peers.http import PeerAway, PeerRefused, TokenRejected
from ava_whatsapp_gateway.peers.messaging import LogEntry
from ava_whatsapp_gateway.peers.profile import AvatarIds
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.event import Event
from ava_whatsapp_gateway.queue.outcomes import DeadLetter, DependencyAway
from ava_whatsapp_gateway.queue.states import EventState, SendState
from ava_whatsapp_gateway.settings import Settings


class Handler:
    """What the worker does with each event; shared by all lanes of one process."""

    def __init__(
        self, pool: Pool, settings: Settings, clients: ClientPool, sender: Sender, *, answer: Answerer
    ) -> None:
        self._pool, self._settings, self._clients, self._sender = pool, settings, clients, sender
        self._answer = answer
        self._unlinked = UnlinkedSenders(pool, settings, sender)
        self._tokens = DelegatedTokens(settings.client_secret.get_secret_value())
        self._avatar_ids = AvatarIds()

    async def handle(self, event: Event) -> None:
        """Returns with the event done, held, awaiting or unresolved; raises an outcome to end early."""
        with self._clients.lend() as clients:
            try:
                await self._handle(clients, event)
            except PeerAway as away:
                raise DependencyAway(away.peer, str(away), away.retry_after_seconds) from None
            except TokenRejected as rejected:
                # Nothing is wrong with this event: keys change, clocks differ. The next token is new.
                self._tokens.clear()
                raise DependencyAway("token", str(rejected)) from None
            except PeerRefused as refused:
                raise DeadLetter(str(refused)) from None

    async def _handle(self, clients: Clients, event: Event) -> None:
        owner = await self._owner(event)
        if owner.linked:
            await self._unlinked.confirm_link(clients.graph, event)
        elif owner.user_id is None:
            await self._unlinked.hold(clients.graph, event, owner.reason)
        else:
            caller = await self._tokens.caller_for(clients.auth, owner.user_id)
            sends = await self._log_and_answer(clients, event, caller)
            await self._finish(event, sends)

    async def _owner(self, event: Event) -> Owner:
        """A turn in a user's log stays theirs, and so does its answer, even when the link has changed."""
        if event.logged_at and event.user_id:
            return Owner(event.user_id)
        return await find_owner(self._pool, event, by_code=self._settings.link_confirmation == "code")

    async def _log_and_answer(self, clients: Clients, event: Event, caller: Caller) -> list[Send]:
        avatar = event.avatar_id
        if not event.logged_at:
            avatar = await self._avatar_ids.get(clients.profile, caller)
            avatar = await self._log(clients, caller, _said(event, avatar))
        sends = []
        for send in await self._prepared(event, caller.id, avatar):
            ended = await self._sender.send(clients.graph, event, send)
            if ended.state is SendState.ACCEPTED:
                await self._log(clients, caller, _answered(ended, avatar))
            sends.append(ended)
        return sends

    async def _log(self, clients: Clients, caller: Caller, entry: LogEntry) -> UUID | None:
        """The avatar it was logged with: one deleted in the meantime must not take the turn with it."""
        if not await messaging.put(clients.messaging, caller, entry):
            self._avatar_ids.forget(caller.id)
            entry = replace(entry, avatar_id=await self._avatar_ids.get(clients.profile, caller))
            if not await messaging.put(clients.messaging, caller, entry):
                entry = replace(entry, avatar_id=None)
                await messaging.put(clients.messaging, caller, entry)
        return entry.avatar_id

    async def _prepared(self, event: Event, user_id: UUID, avatar: UUID | None) -> list[Send]:
        """What is to be sent: decided once, then taken from the outbox."""
        if event.logged_at and event.send_count:
            return await outbox.for_event(self._pool, event)
        stale = event.is_stale(self._settings.stale_after_seconds)
        turn = Turn(user_id, avatar, event.kind, event.words, event.sent_at)
        chunks = text_chunks((None if stale else self._answer(turn)) or "")
        lease_seconds = self._settings.lease_seconds
        return await outbox.prepare(self._pool, event, user_id, avatar, chunks, lease_seconds)

    async def _finish(self, event: Event, sends: list[Send]) -> None:
        states = {send.state for send in sends}
        if failed := [send for send in sends if send.state is SendState.FAILED]:
            raise DeadLetter(f"the answer was refused with code {failed[0].code}")
        state = EventState.DONE
        if states & {SendState.SENDING, SendState.UNKNOWN}:
            state = EventState.AWAITING
        elif SendState.UNRESOLVED in states:
            state = EventState.UNRESOLVED
        await lanes.finish(self._pool, event, state, None, self._settings.lease_seconds)
        EVENTS.labels(state).inc()
        if sends and state is EventState.DONE:
            ECHO_SECONDS.observe(max(0.0, (datetime.now(UTC) - event.received_at).total_seconds()))
        log.info("turn.handled", event_id=event.id, kind=event.kind, state=state, answers=len(sends))


def _said(event: Event, avatar: UUID | None) -> LogEntry:
    return LogEntry(event.turn_id, "user", event.words, event.sent_at, event.key, avatar)


def _answered(send: Send, avatar: UUID | None) -> LogEntry:
    # An operator may know that it arrived although its wamid is unknown.
    known_as, at = send.wamid or f"send:{send.id}", send.accepted_at or send.changed_at
    return LogEntry(send.id, "assistant", send.body, at, known_as, avatar)
