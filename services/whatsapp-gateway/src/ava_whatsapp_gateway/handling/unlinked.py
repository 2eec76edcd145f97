"""Unlinked senders: hold what they said, and tell them once a day how to link their number.

Decisions 0052, 0054, 0095 and 0097.
"""

from dataclasses import dataclass
from datetime import timedelta

import httpx

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.contacts.owners import HoldReason
from ava_whatsapp_gateway.metrics import EVENTS
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.outbox.sender import Sender
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.group_commit import GroupCommit
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.retention import PAST
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.settings import Settings

_LINKED = "Thank you, this number is now linked. Say hello!"
_LINKED_WITHOUT_NUMBER = "Thank you, your WhatsApp is now linked. Say hello!"

# Why the sender is unknown, and what to do: where a typed number is trusted, and where a code is asked for.
_TYPED = {
    HoldReason.NOT_LINKED: "I don't know this number yet: log in{where} and link it to your account.",
    HoldReason.HIDDEN_NUMBER: "WhatsApp hides your number from me, so I can't tell whose account this is: "
    "log in{where} and link your number, then send me one message with your number visible.",
    HoldReason.SEVERAL_ACCOUNTS: "More than one account has linked this number, so I can't tell which one is "
    "yours: log in{where} and link it again, exactly as WhatsApp shows it.",
    HoldReason.RECYCLED: "This number belonged to another account before: if it is yours now, log in{where} "
    "and link it again.",
}
_BY_CODE = {
    HoldReason.NOT_LINKED: "I don't know this number yet: log in{where}, enter it there and send me the code "
    "that you are shown.",
    HoldReason.HIDDEN_NUMBER: "WhatsApp hides your number from me, so I can't tell whose account this is: "
    "log in{where}, enter your number there and send me the code that you are shown. It can stay hidden.",
    HoldReason.SEVERAL_ACCOUNTS: "More than one account has linked this number, so I can't tell which one is "
    "yours: log in{where}, enter it there and send me the code that you are shown.",
    HoldReason.RECYCLED: "This number belonged to another account before: if it is yours now, log in{where}, "
    "enter it there and send me the code that you are shown.",
}


@dataclass(frozen=True)
class UnlinkedSenders:
    """What happens to the events of senders whose user is unknown, or has just become known."""

    pool: Pool
    writes: GroupCommit
    settings: Settings
    sender: Sender

    async def hold(self, graph: httpx.AsyncClient, event: Event, reason: HoldReason) -> None:
        """The event waits for a link; the first of the day is answered with a notice. Nothing is logged."""
        if not event.is_stale(self.settings.stale_after_seconds):
            await self._notify(graph, event, self._how_to_link(reason), daily=True)
        await lanes.finish(self.writes, event, EventState.HELD, reason, self.settings.lease_seconds)
        EVENTS.labels(EventState.HELD).inc()
        log.info("turn.held", event_id=event.id, reason=reason)

    def is_past(self, event: Event) -> bool:
        """Said too long before a link that nothing has proven: typing a number gives nobody older words."""
        if event.released_at is None or event.user_id or self.settings.link_confirmation != "off":
            return False
        waited = event.released_at - event.received_at
        return waited > timedelta(minutes=self.settings.held_replay_minutes)

    async def discard(self, event: Event) -> None:
        """Nothing more is done with it, and retention deletes it like what was held too long."""
        await lanes.finish(self.writes, event, EventState.DISCARDED, PAST, self.settings.lease_seconds)
        EVENTS.labels(EventState.DISCARDED).inc()
        log.info("turn.discarded", event_id=event.id, reason=PAST)

    async def confirm_link(self, graph: httpx.AsyncClient, event: Event) -> None:
        """This message was the code that proves whose phone it is: not a turn, but worth a confirmation."""
        words = _LINKED if event.contact.wa_digits else _LINKED_WITHOUT_NUMBER
        await self._notify(graph, event, words, daily=False)
        await lanes.finish(self.writes, event, EventState.DONE, "linked", self.settings.lease_seconds)
        EVENTS.labels(EventState.DONE).inc()

    async def _notify(self, graph: httpx.AsyncClient, event: Event, words: str, *, daily: bool) -> None:
        for send in await outbox.prepare_notice(self.pool, event, words, daily=daily):
            await self.sender.send(graph, event, send)

    def _how_to_link(self, reason: HoldReason) -> str:
        """What to do fits the reason: another link of the number does not help a sender who hides it."""
        words = _BY_CODE if self.settings.link_confirmation == "code" else _TYPED
        where = f" at {self.settings.public_url}" if self.settings.public_url else ""
        return f"Hello! I'm Ava. {words[reason].format(where=where)} {self._what_is_answered()}"

    def _what_is_answered(self) -> str:
        """No more than is kept: see `is_past` and `held_days`."""
        if self.settings.link_confirmation == "code":
            kept = _duration(24 * 60 * self.settings.held_days)
            return f"What you wrote is kept for {kept}, and I will answer it then."
        if not self.settings.held_replay_minutes:
            return "What you wrote before that I cannot answer: please write it again."
        within = _duration(min(self.settings.held_replay_minutes, 24 * 60 * self.settings.held_days))
        return (
            f"If you do so within {within}, I will answer what you just wrote; later, please write it again."
        )


def _duration(minutes: float) -> str:
    """In the largest unit that keeps it whole, never more than it is."""
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if (count := int(minutes // size)) and (count > 1 or minutes % size == 0 or unit == "minute"):
            return f"{count} {unit}s" if count > 1 else f"one {unit}"
    return "a minute"
