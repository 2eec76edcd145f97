"""The SQL of a trace: from any id to the events and deliveries, and from these to all that hangs on them."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from ava_common.database import Connection
from ava_whatsapp_gateway.cloud_api.lenient_json import names_in

_BY_REQUEST = """
$1 in (split_part(trace, ' ', 2), split_part(split_part(trace, ' ', 1), '-', 2)) and trace <> ''
"""
_EVENT_IDS = f"""
select id from whatsapp.events where key = $1
union select id from whatsapp.events where corrects = $1
union select id from whatsapp.events where id = $2::bigint
union select id from whatsapp.events where turn_id = $3::uuid
union select id from whatsapp.events where $2::bigint is null and {_BY_REQUEST}
union select event_id from whatsapp.outbox where wamid = $1 or id = $3::uuid
union select o.event_id from whatsapp.former_wamids as f
  join whatsapp.outbox as o on o.id = f.send_id where f.wamid = $1
"""
_DELIVERY_IDS = f"""
select id from whatsapp.deliveries where id = $2::bigint
union select id from whatsapp.deliveries where $2::bigint is null and {_BY_REQUEST}
"""
# What was done at once keeps when it was stored (decision 0178).
_EVENTS = """
select e.*, greatest(e.changed_at, e.claimed_at, e.logged_at) as since,
  l.due_at, l.waits_for, l.token is not null as in_work
from whatsapp.events as e left join whatsapp.lanes as l on l.contact_id = e.contact_id
where e.id = any ($1) or e.delivery_id = any ($2) order by e.id
"""
# A delivery that only brought statuses is known by the wamids in it.
_BODIES = "select body from whatsapp.deliveries where id = any ($1)"
_SENDS_OF = "select event_id from whatsapp.outbox where wamid = any ($1)"
_SENDS = """
select o.*, e.logged_at as turn_logged_at
from whatsapp.outbox as o join whatsapp.events as e on e.id = o.event_id
where o.event_id = any ($1) order by o.event_id, o.kind, o.part
"""
_FORMER = "select * from whatsapp.former_wamids where send_id = any ($1) order by replayed_at"
# Those that came once a send was accepted; Meta's own time of the last of them is kept.
TOLD = """
select o.id, o.wamid, told.status, told.rank, told.came_at,
  case when told.status = o.status then o.status_at end as at
from whatsapp.outbox as o cross join lateral (values
  ('sent', 1, o.told_sent_at), ('delivered', 3, o.told_delivered_at), ('read', 4, o.told_read_at),
  ('played', 5, o.told_played_at)) as told (status, rank, came_at)
where o.id = any ($1) and told.came_at is not null
"""
_STATUSES = f"""
select wamid, status, rank, at, code, error, received_at from whatsapp.statuses
where outbox_id = any ($1) or wamid = any ($2)
union all
select wamid, status, rank, at, null, null, came_at from ({TOLD}) as told
where not exists (select from whatsapp.statuses as s where s.wamid = told.wamid and s.status = told.status)
order by received_at, rank
"""
_DELIVERIES = """
select id, state, error, trace, received_at, alerted_at, seen_at, octet_length(body) as bytes
from whatsapp.deliveries
where id = any ($1 || array(select whatsapp.deliveries_naming(p_names => $2))) order by id
"""

Rows = Sequence[asyncpg.Record]


async def event_ids(connection: Connection, name: str, number: int | None) -> list[int]:
    """The events that this id leads to."""
    return [row[0] for row in await connection.fetch(_EVENT_IDS, name, number, _uuid(name))]


async def delivery_ids(connection: Connection, name: str, number: int | None) -> list[int]:
    """The deliveries with this id, or of this request or trace."""
    return [row[0] for row in await connection.fetch(_DELIVERY_IDS, name, number)]


async def rows(
    connection: Connection, event_ids: Sequence[int], delivery_ids: Sequence[int]
) -> tuple[Rows, Rows, Rows, Rows, Rows]:
    """Deliveries, events, sends, statuses and former calls that belong together."""
    named = {name for row in await connection.fetch(_BODIES, delivery_ids) for name in names_in(row["body"])}
    settled = [row[0] for row in await connection.fetch(_SENDS_OF, list(named))]
    events = await connection.fetch(_EVENTS, [*event_ids, *settled], delivery_ids)
    sends = await connection.fetch(_SENDS, [event["id"] for event in events])
    send_ids = [send["id"] for send in sends]
    former = await connection.fetch(_FORMER, send_ids)
    wamids = [row["wamid"] for row in (*sends, *former) if row["wamid"]]
    statuses = await connection.fetch(_STATUSES, send_ids, wamids)
    origins = [event["delivery_id"] for event in events if event["delivery_id"]]
    keys = wamids + [event["key"] for event in events]
    deliveries = await connection.fetch(_DELIVERIES, [*delivery_ids, *origins], keys)
    return deliveries, events, sends, statuses, former


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
