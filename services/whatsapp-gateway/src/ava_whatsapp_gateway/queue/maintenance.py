"""Periodic maintenance: late statuses, sends that stay unknown, retention, gauges."""

from datetime import timedelta

import asyncpg

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.metrics import ALERTS, BACKLOG, BACKLOG_AGE, CIRCUIT
from ava_whatsapp_gateway.settings import Settings

_BATCH = 500

_SETTLE = "select whatsapp.settle($1)"
_UNRESOLVED = """
with given_up as (
  update whatsapp.outbox as o set state = 'unresolved', changed_at = clock_timestamp()
  from whatsapp.events as e
  where e.id = o.event_id and e.state <> 'ready' and (o.resent or not $2 or o.kind <> 'answer')
    and o.state in ('unknown', 'sending') and o.changed_at < clock_timestamp() - $1::interval
  returning o.event_id, o.kind
)
update whatsapp.events as e set state = 'unresolved', changed_at = clock_timestamp()
from given_up where e.id = given_up.event_id and given_up.kind = 'answer' and e.state = 'awaiting'
returning e.id
"""
_RETENTION = (
    # Held for a sender who never linked: we may not keep their words.
    ("held_days", "delete from whatsapp.events where id in (select id from whatsapp.events"
     " where state = 'held' and received_at < clock_timestamp() - $1::interval limit $2)"),
    ("held_days", "delete from whatsapp.contacts where id in (select c.id from whatsapp.contacts as c"
     " where c.user_id is null and c.first_seen_at < clock_timestamp() - $1::interval"
     " and not exists (select from whatsapp.events as e where e.contact_id = c.id)"
     " and not exists (select from whatsapp.lanes as l where l.contact_id = c.id) limit $2)"),
    ("raw_days", "delete from whatsapp.deliveries where id in (select id from whatsapp.deliveries"
     " where state <> 'new' and received_at < clock_timestamp() - $1::interval limit $2)"),
    ("done_days", "delete from whatsapp.events where id in (select id from whatsapp.events"
     " where state in ('done', 'ignored') and changed_at < clock_timestamp() - $1::interval limit $2)"),
    ("done_days", "delete from whatsapp.statuses where (wamid, status) in (select wamid, status"
     " from whatsapp.statuses where received_at < clock_timestamp() - $1::interval limit $2)"),
)  # fmt: skip
_COUNTS = """
select 'events' as what, state, count(*) as n from whatsapp.events
where state in ('ready', 'held', 'awaiting', 'unresolved', 'dead', 'quarantined') group by state
union all
select 'sends', state, count(*) from whatsapp.outbox
where state in ('sending', 'unknown', 'unresolved') group by state
union all
select 'deliveries', state, count(*) from whatsapp.deliveries
where state in ('new', 'quarantined') group by state
"""
_STATE = """
select coalesce(extract(epoch from clock_timestamp() - least(
         (select min(received_at) from whatsapp.events where state = 'ready'),
         (select received_at from whatsapp.deliveries where state = 'new' order by id limit 1))
         ), 0)::float as age,
       coalesce((select circuit_open from whatsapp.numbers where phone_number_id = $1), false)
         as circuit_open,
       exists (select from whatsapp.events where state = 'ready') as kept_waiting
"""


async def run(pool: Pool, settings: Settings) -> None:
    """One round; each part may be repeated at any time, by any process."""
    await pool.execute(_SETTLE, _BATCH)
    await give_up_waiting(pool, settings)
    await apply_retention(pool, settings)
    await _set_gauges(pool, settings)


async def give_up_waiting(pool: Pool, settings: Settings) -> None:
    """Leave sends without a status in time to an operator; a late status still settles them."""
    wait = timedelta(seconds=settings.unknown_wait_seconds)
    for row in await pool.fetch(_UNRESOLVED, wait, settings.unknown_policy == "resend_once"):
        ALERTS.labels("unresolved").inc()
        log.error("send.unresolved", event_id=row["id"], alert=True)


async def apply_retention(pool: Pool, settings: Settings) -> None:
    """Delete what has been kept long enough, a little at a time. Dead events are never deleted."""
    for days, delete in _RETENTION:
        await pool.execute(delete, timedelta(days=getattr(settings, days)), _BATCH)


async def state(pool: Pool, number: str) -> asyncpg.Record:
    """`age` in seconds of the oldest delivery or event not handled yet, `circuit_open`, `kept_waiting`."""
    record = await pool.fetchrow(_STATE, number)
    assert record is not None  # noqa: S101 - a select without from
    return record


async def _set_gauges(pool: Pool, settings: Settings) -> None:
    BACKLOG.clear()
    for row in await pool.fetch(_COUNTS):
        BACKLOG.labels(row["what"], row["state"]).set(row["n"])
    now = await state(pool, settings.phone_number_id)
    BACKLOG_AGE.set(now["age"])
    CIRCUIT.set(now["circuit_open"])
