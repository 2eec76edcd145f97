"""Alert an operator, once each: to sends that failed after acceptance, and to what cannot be read.

Found in the database and not where they come about, so that no crash and no older gateway keeps one quiet.

Decision 0108.
"""

import asyncpg

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.metrics import ALERTS
from ava_whatsapp_gateway.queue.states import EventState

_BATCH = 200

_UNDELIVERED = """
update whatsapp.outbox as o set alerted_at = clock_timestamp()
where o.id in (
  select id from whatsapp.outbox
  where undelivered and status = 'failed' and kind = 'answer' and alerted_at is null
  limit $1 for update skip locked)
returning o.id, o.event_id, o.code
"""
_DELIVERIES = """
update whatsapp.deliveries as d set alerted_at = clock_timestamp()
where d.id in (
  select id from whatsapp.deliveries where state = 'quarantined' and alerted_at is null
  limit $1 for update skip locked)
returning d.id, d.error
"""
_EVENTS = f"""
update whatsapp.events as e set alerted_at = clock_timestamp()
where e.id in (
  select id from whatsapp.events
  where state = '{EventState.QUARANTINED}' and contact_id is null and alerted_at is null
  limit $1 for update skip locked)
returning e.id, e.kind, e.reason
"""


async def announce(pool: Pool) -> None:
    """One line and one count for each; a process that is killed in between leaves the row without a line."""
    for row in await pool.fetch(_UNDELIVERED, _BATCH):
        _alert("undelivered", "send.undelivered", row, send_id=str(row["id"]))
    for row in await pool.fetch(_DELIVERIES, _BATCH):
        _alert("unreadable", "delivery.unreadable", row, delivery=row["id"])
    for row in await pool.fetch(_EVENTS, _BATCH):
        _alert("unreadable", "event.unreadable", row, event_id=row["id"])


def _alert(alert: str, line: str, row: asyncpg.Record, **named: str | int) -> None:
    ALERTS.labels(alert).inc()
    log.error(line, **{name: value for name, value in row.items() if name != "id"}, **named, alert=True)
