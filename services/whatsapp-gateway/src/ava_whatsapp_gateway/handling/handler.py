"""Handle one event from the start; every step takes effect once, however often this runs.

Decisions 0054, 0122, 0141, 0143 and 0144.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

from ava_common.caller import Caller
from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.cloud_api.text_chunks import text_chunks
from ava_whatsapp_gateway.cloud_api.typing_indicator import TypingIndicator
from ava_whatsapp_gateway.contacts.owners import find_owner
from ava_whatsapp_gateway.handling.answerer import NO_CONTEXT, Answerer
from ava_whatsapp_gateway.handling.corrections import Corrections
from ava_whatsapp_gateway.handling.thinking import Thinking
from ava_whatsapp_gateway.handling.unlinked import UnlinkedSenders
from ava_whatsapp_gateway.metrics import ECHO_SECONDS, EVENTS
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.outbox.sender import Sender
from ava_whatsapp_gateway.peers import messaging
from ava_whatsapp_gateway.peers.auth import DelegatedTokens
from ava_whatsapp_gateway.peers.http import ClientPool, Clients, PeerAway, PeerRefused, TokenRejected
from ava_whatsapp_gateway.peers.messaging import Turn
from ava_whatsapp_gateway.peers.profile import AvatarIds
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.exceptions import DeadEvent, DependencyAway, LaneChanged
from ava_whatsapp_gateway.queue.group_commit import GroupCommit
from ava_whatsapp_gateway.queue.lease_keeper import LeaseKeeper
from ava_whatsapp_gateway.queue.states import EventState, SendState
from ava_whatsapp_gateway.settings import Settings

TOO_LATE = "Meta's window for answers had closed"


class Handler:
    """What the worker does with each event; shared by all lanes of one process."""

    def __init__(
        self,
        pool: Pool,
        writes: GroupCommit,
        settings: Settings,
        clients: ClientPool,
        sender: Sender,
        *,
        answerer: Answerer,
        typing: TypingIndicator,
        keeper: LeaseKeeper,
    ) -> None:
        self._pool, self._settings, self._clients, self._sender = pool, settings, clients, sender
        self._writes, self._answerer, self._keeper = writes, answerer, keeper
        self._unlinked = UnlinkedSenders(pool, writes, settings, sender)
        self._corrections = Corrections(pool, writes, settings)
        self._tokens = DelegatedTokens(settings.client_secret.get_secret_value())
        self._avatar_ids = AvatarIds()
        thinking = Thinking(pool, settings, clients, self._tokens, answerer, typing)
        self._thinking = thinking if answerer.thinks else None

    def trouble(self) -> str:
        """Why nobody gets an answer from the answerer at this moment; empty when all is well."""
        return self._thinking.trouble() if self._thinking else ""

    async def handle(self, event: lanes.Event) -> None:
        """Returns with the event in its new state; raises an outcome to end early."""
        by_code, waiting = self._settings.link_confirmation == "code", None
        try:
            async with self._clients.lend() as clients:
                owner = await find_owner(self._pool, event, by_code=by_code)
                if owner.linked:
                    await self._unlinked.confirm_link(clients.graph, event)
                elif event.corrects or not (event.words or event.logged_at):
                    whose = owner.user_id and await self._tokens.caller_for(clients.auth, owner.user_id)
                    await self._corrections.handle(clients.messaging, whose or None, event)
                elif owner.user_id is None:
                    await self._unlinked.hold(clients.graph, event, owner.reason)
                elif event.released_at and self._unlinked.is_past(event):
                    await self._unlinked.discard(event)
                else:
                    caller = await self._tokens.caller_for(clients.auth, owner.user_id)
                    said = await self._logged(clients, caller, event)
                    waiting = await self._answer(clients, caller, event, said)
            if waiting:
                await self._answer_after_thought(event, waiting)
        except PeerAway as away:
            raise DependencyAway(away.peer, str(away), away.retry_after_seconds) from None
        except TokenRejected as rejected:
            # Nothing is wrong with this event: keys change, clocks differ. The next token is new.
            self._tokens.clear()
            raise DependencyAway("token", str(rejected)) from None
        except PeerRefused as refused:
            raise DeadEvent(str(refused)) from None

    async def _logged(self, clients: Clients, caller: Caller, event: lanes.Event) -> Turn:
        """What the user said, in their log; whose it is was noted before, and a retry goes on for them."""
        said = Turn(
            id=event.turn_id,
            user_id=caller.id,
            avatar_id=event.avatar_id,
            role="user",
            kind=event.kind,
            words=event.words,
            sent_at=event.sent_at,
            external_id=event.key,
        )
        if event.logged_at:
            return said
        said = replace(said, avatar_id=await self._avatar_ids.get(clients.profile, caller))
        if event.user_id is None:
            await lanes.note_owner(self._writes, event, caller.id, self._settings.lease_seconds)
        logged = await self._log(clients, caller, said)
        self._avatar_ids.remember(caller.id, logged.avatar_id)
        if event.edited_at:
            await self._corrections.mark_edited(clients.messaging, caller, event, event.edited_at)
        return logged

    async def _log(self, clients: Clients, caller: Caller, turn: Turn) -> Turn:
        """The turn as it was logged: an avatar deleted in the meantime must not take it along."""
        if logged := await messaging.put(clients.messaging, caller, turn):
            return logged
        self._avatar_ids.forget(caller.id)
        turn = replace(turn, avatar_id=await self._avatar_ids.get(clients.profile, caller))
        if logged := await messaging.put(clients.messaging, caller, turn):
            return logged
        turn = replace(turn, avatar_id=None)
        return await messaging.put(clients.messaging, caller, turn) or turn

    async def _answer(self, clients: Clients, caller: Caller, event: lanes.Event, said: Turn) -> Turn | None:
        """Decide once what to send, and send it; the turn, when deciding takes thought."""
        stale = event.is_stale(self._settings.stale_after_seconds)
        whose, lease_seconds = outbox.Whose(said.user_id, said.avatar_id), self._settings.lease_seconds
        if event.logged_at and event.send_count:
            sends = await outbox.decided(self._pool, event)
        elif self._thinking and said.words.strip() and not stale:
            # Whose turn it is cannot change any more.
            await outbox.prepare(self._pool, event, whose, [], lease_seconds)
            return said
        else:
            answer = None if stale or self._thinking else await self._answerer.answer(said, NO_CONTEXT)
            chunks = text_chunks(answer.text if answer else "")
            sends = [outbox.draft(chunk, whose) for chunk in chunks]
            if len(sends) != 1:
                sends = await outbox.prepare(self._pool, event, whose, chunks, lease_seconds)
        await self._send(clients, caller, event, said, sends)
        return None

    async def _answer_after_thought(self, event: lanes.Event, said: Turn) -> None:
        """Meanwhile only the lane is held; the answer is stored before there is a client to send it."""
        assert self._thinking is not None  # noqa: S101 - it is asked only where it is
        whose, lease = outbox.Whose(said.user_id, said.avatar_id), self._settings.lease_seconds
        async with AsyncExitStack() as stack:
            async with self._keeper.keep(event):
                chunks = text_chunks(await self._thinking.think(event, said))
                sends = await outbox.prepare(self._pool, event, whose, chunks, lease) if chunks else []
                clients = await stack.enter_async_context(self._clients.lend())
            caller = await self._tokens.caller_for(clients.auth, said.user_id)
            await self._send(clients, caller, event, said, sends)

    async def _send(
        self, clients: Clients, caller: Caller, event: lanes.Event, said: Turn, sends: Sequence[outbox.Send]
    ) -> None:
        """Send, log what was accepted, and leave the event in its new state."""
        ended = []
        for prepared in sends:
            send = await self._sender.send(clients.graph, event, prepared)
            if send.state is SendState.ACCEPTED:
                await self._log(clients, caller, _answered(send, said))
            ended.append(send)
        states = {send.state for send in ended}
        if failed := [send for send in ended if send.state is SendState.FAILED]:
            raise DeadEvent(f"the answer was refused with code {failed[0].code}")
        state = EventState.DONE
        if states & {SendState.SENDING, SendState.UNKNOWN}:
            state = EventState.AWAITING
        elif SendState.UNRESOLVED in states:
            state = EventState.UNRESOLVED
        reason = TOO_LATE if not ended and event.is_stale(self._settings.stale_after_seconds) else None
        await lanes.finish(self._writes, event, state, reason, self._settings.lease_seconds)
        EVENTS.labels(state).inc()
        if ended and state is EventState.DONE:
            ECHO_SECONDS.observe(max(0.0, (datetime.now(UTC) - event.received_at).total_seconds()))
        log.info("turn.handled", event_id=event.id, kind=event.kind, state=state, answers=len(ended))
        if reason and event.reason:
            raise LaneChanged  # what this event waited for may still be away


def _answered(send: outbox.Send, said: Turn) -> Turn:
    """The answer's turn. An operator may know that it arrived although its wamid is unknown."""
    return replace(
        said,
        id=send.id,
        role="assistant",
        kind="text",
        words=send.body,
        sent_at=send.accepted_at or send.changed_at,
        external_id=send.wamid or f"send:{send.id}",
    )
