"""Unlinked senders: hold what they said, and tell them once a day how to link their number.

Decisions 0052, 0054 and 0097.
"""

from dataclasses import dataclass

import httpx

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.contacts.owners import HoldReason
from ava_whatsapp_gateway.metrics import EVENTS
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.outbox.sender import Sender
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.settings import Settings

_LINKED = "Thank you, this number is now linked. Say hello!"
_LINKED_WITHOUT_NUMBER = "Thank you, your WhatsApp is now linked. Say hello!"
_KEPT = "What you wrote is kept for a few days, and I will answer it then."

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
    settings: Settings
    sender: Sender

    async def hold(self, graph: httpx.AsyncClient, event: Event, reason: HoldReason) -> None:
        """The event waits for a link; the first of the day is answered with a notice. Nothing is logged."""
        if not event.is_stale(self.settings.stale_after_seconds):
            await self._notify(graph, event, self._how_to_link(reason), daily=True)
        await lanes.finish(self.pool, event, EventState.HELD, reason, self.settings.lease_seconds)
        EVENTS.labels(EventState.HELD).inc()
        log.info("turn.held", event_id=event.id, reason=reason)

    async def confirm_link(self, graph: httpx.AsyncClient, event: Event) -> None:
        """This message was the code that proves whose phone it is: not a turn, but worth a confirmation."""
        words = _LINKED if event.contact.wa_digits else _LINKED_WITHOUT_NUMBER
        await self._notify(graph, event, words, daily=False)
        await lanes.finish(self.pool, event, EventState.DONE, "linked", self.settings.lease_seconds)
        EVENTS.labels(EventState.DONE).inc()

    async def _notify(self, graph: httpx.AsyncClient, event: Event, words: str, *, daily: bool) -> None:
        for send in await outbox.prepare_notice(self.pool, event, words, daily=daily):
            await self.sender.send(graph, event, send)

    def _how_to_link(self, reason: HoldReason) -> str:
        """What to do fits the reason: another link of the number does not help a sender who hides it."""
        words = _BY_CODE if self.settings.link_confirmation == "code" else _TYPED
        where = f" at {self.settings.public_url}" if self.settings.public_url else ""
        return f"Hello! I'm Ava. {words[reason].format(where=where)} {_KEPT}"
