"""People we do not know yet: hold what they said, tell them once a day how to be answered."""

from ava_common.log import log
from ava_whatsapp_gateway import lanes, outbox, sending
from ava_whatsapp_gateway.events import Event
from ava_whatsapp_gateway.means import Means, Peers
from ava_whatsapp_gateway.metrics import EVENTS
from ava_whatsapp_gateway.settings import Settings

_WELCOME = "Thank you, this number is linked now. Say hello!"


async def hold(means: Means, peers: Peers, event: Event, reason: str) -> None:
    """The event waits for a link; the first of the day gets the polite answer. Nothing is logged."""
    if not event.is_stale(means.settings.stale_after):
        for row in await outbox.notice(means.pool, event, _how_to_link(means.settings), daily=True):
            await sending.settle(means, peers, event, row)
    await lanes.finish(means.pool, event, "held", reason, means.settings.lease)
    EVENTS.labels("held").inc()
    log.info("turn.held", event_id=event.id, reason=reason)


async def welcome(means: Means, peers: Peers, event: Event) -> None:
    """This message was the code that proves whose phone it is: no turn, but worth a word."""
    for row in await outbox.notice(means.pool, event, _WELCOME, daily=False):
        await sending.settle(means, peers, event, row)
    await lanes.finish(means.pool, event, "done", "linked", means.settings.lease)
    EVENTS.labels("done").inc()


def _how_to_link(settings: Settings) -> str:
    where = f" at {settings.public_url}" if settings.public_url else ""
    return (
        f"Hello! I am Ava. I do not know this number yet: sign in{where} and link it to your account. "
        "What you wrote is kept for a few days, and I will answer it then."
    )
