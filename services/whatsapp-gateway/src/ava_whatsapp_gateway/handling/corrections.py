"""Edits and deletions on the phone: do the same to what is stored here and to the message in the log.

Decisions 0141 and 0152. See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from ava_common.caller import Caller
from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.contacts.owners import HoldReason
from ava_whatsapp_gateway.metrics import EVENTS
from ava_whatsapp_gateway.peers import messaging
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.exceptions import LaneChanged, LeaseLost
from ava_whatsapp_gateway.queue.group_commit import GroupCommit
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.settings import Settings

DELETED = "deleted by its sender"
_CORRECT = "select whatsapp.correct(p_contact_id => $1, p_fence => $2, p_event_id => $3, p_lease => $4)"
_FORGET = "select whatsapp.forget_delivered(p_contact_id => $1, p_key => $2)"


@dataclass(frozen=True)
class Corrections:
    """What happens to an edit, a deletion, and a message without words: deleted before it was logged."""

    pool: Pool
    writes: GroupCommit
    settings: Settings

    async def handle(self, client: httpx.AsyncClient, caller: Caller | None, event: Event) -> None:
        """Every step may be repeated. Without a caller it waits for the link, as what it is about does."""
        if event.corrects is None:
            await self._end(event, EventState.DISCARDED, DELETED)
            return
        lease = timedelta(seconds=self.settings.lease_seconds)
        changed = await self.pool.fetchval(_CORRECT, event.contact.id, event.token, event.id, lease)
        if changed == "lost":
            raise LeaseLost
        await self.pool.fetchval(_FORGET, event.contact.id, event.corrects)
        if caller is None:
            await self._end(event, EventState.HELD, HoldReason.NOT_LINKED)
        else:
            if event.words or event.kind == "revoke":  # an edit has no words any more after a deletion
                at = event.corrects, event.words, event.sent_at
                await messaging.correct(client, caller, messaging.Correction(event.turn_id, *at))
            await self._end(event, EventState.DONE, None)
        if changed == "changed":
            raise LaneChanged

    async def mark_edited(
        self, client: httpx.AsyncClient, caller: Caller, event: Event, edited_at: datetime
    ) -> None:
        """A message that was edited before it was logged: there was nothing to mark then."""
        edit = messaging.Correction(event.turn_id, event.key, event.words, edited_at)
        await messaging.correct(client, caller, edit)

    async def _end(self, event: Event, state: EventState, reason: str | None) -> None:
        await lanes.finish(self.writes, event, state, reason, self.settings.lease_seconds)
        EVENTS.labels(state).inc()
        log.info("turn.handled", event_id=event.id, kind=event.kind, state=state, answers=0)
