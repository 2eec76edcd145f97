"""Sends whose outcome is unknown: a late status settles them, or an operator has to.

Decision 0051.
"""

from datetime import timedelta

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.metrics import ALERTS
from ava_whatsapp_gateway.queue.states import EventState, SendState, literals
from ava_whatsapp_gateway.settings import Settings

_BATCH = 500

_SETTLE = "select whatsapp.settle(p_limit => $1)"
_UNRESOLVED = f"""
with given_up as (
  update whatsapp.outbox as o set state = '{SendState.UNRESOLVED}', changed_at = clock_timestamp()
  from whatsapp.events as e
  where e.id = o.event_id and e.state <> '{EventState.READY}' and (o.resent or not $2 or o.kind <> 'answer')
    and o.state in ({literals(SendState.UNKNOWN, SendState.SENDING)})
    and o.changed_at < clock_timestamp() - $1::interval
  returning o.event_id, o.kind
)
update whatsapp.events as e set state = '{EventState.UNRESOLVED}', changed_at = clock_timestamp()
from given_up
where e.id = given_up.event_id and given_up.kind = 'answer' and e.state = '{EventState.AWAITING}'
returning e.id
"""


async def apply_late_statuses(pool: Pool) -> None:
    """Apply statuses that arrived before their send was recorded."""
    await pool.execute(_SETTLE, _BATCH)


async def give_up_waiting(pool: Pool, settings: Settings) -> None:
    """Leave sends without a status in time to an operator; a late status still settles them."""
    wait = timedelta(seconds=settings.unknown_wait_seconds)
    for row in await pool.fetch(_UNRESOLVED, wait, settings.unknown_policy == "resend_once"):
        ALERTS.labels("unresolved").inc()
        log.error("send.unresolved", event_id=row["id"], alert=True)
