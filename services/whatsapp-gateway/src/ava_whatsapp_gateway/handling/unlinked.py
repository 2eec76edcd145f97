"""Unlinked senders: hold what they said, and tell them once a day how to link their number.

Decisions 0052 and 0054.
"""

from dataclasses import dataclass

import httpx

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.metrics import EVENTS
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.outbox.sender import Sender
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.settings import Settings

_LINKED = "Thank you, this number is now linked. Say hello!"


@dataclass(frozen=True)
class UnlinkedSenders:
    """What happens to the events of senders whose user is unknown, or has just become known."""

    pool: Pool
    settings: Settings
    sender: Sender

    async def hold(self, graph: httpx.AsyncClient, event: Event, reason: str) -> None:
        """The event waits for a link; the first of the day is answered with a notice. Nothing is logged."""
        if not event.is_stale(self.settings.stale_after_seconds):
            await self._notify(graph, event, self._how_to_link(), daily=True)
        await lanes.finish(self.pool, event, EventState.HELD, reason, self.settings.lease_seconds)
        EVENTS.labels(EventState.HELD).inc()
        log.info("turn.held", event_id=event.id, reason=reason)

    async def confirm_link(self, graph: httpx.AsyncClient, event: Event) -> None:
        """This message was the code that proves whose phone it is: not a turn, but worth a confirmation."""
        await self._notify(graph, event, _LINKED, daily=False)
        await lanes.finish(self.pool, event, EventState.DONE, "linked", self.settings.lease_seconds)
        EVENTS.labels(EventState.DONE).inc()

    async def _notify(self, graph: httpx.AsyncClient, event: Event, words: str, *, daily: bool) -> None:
        for send in await outbox.prepare_notice(self.pool, event, words, daily=daily):
            await self.sender.send(graph, event, send)

    def _how_to_link(self) -> str:
        where = f" at {self.settings.public_url}" if self.settings.public_url else ""
        return (
            f"Hello! I'm Ava. I don't know this number yet: log in{where} and link it to your account. "
            "What you wrote is kept for a few days, and I will answer it then."
        )
