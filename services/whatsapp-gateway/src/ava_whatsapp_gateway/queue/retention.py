"""Delete what has been kept long enough, a little at a time."""

from datetime import timedelta

from ava_common.database import Pool
from ava_whatsapp_gateway.queue.states import EventState, literals
from ava_whatsapp_gateway.settings import Settings

_BATCH = 500
PAST = "written too long before the number was linked"
"""The reason of an event that was discarded because a typed number releases recent words only."""

_RETENTION = (
    # Held for a sender who never linked: we may not keep their words.
    ("held_days", "delete from whatsapp.events where id in (select id from whatsapp.events"
     f" where state = '{EventState.HELD}' and received_at < clock_timestamp() - $1::interval limit $2)"),
    # Nor those that were said too long before a link.
    ("held_days", "delete from whatsapp.events where id in (select id from whatsapp.events"
     f" where state = '{EventState.DISCARDED}' and reason = '{PAST}'"
     " and received_at < clock_timestamp() - $1::interval limit $2)"),
    ("held_days", "delete from whatsapp.contacts where id in (select c.id from whatsapp.contacts as c"
     " where c.user_id is null and c.first_seen_at < clock_timestamp() - $1::interval"
     " and not exists (select from whatsapp.events as e where e.contact_id = c.id)"
     " and not exists (select from whatsapp.lanes as l where l.contact_id = c.id) limit $2)"),
    ("raw_days", "delete from whatsapp.deliveries where id in (select id from whatsapp.deliveries"
     " where state = 'split' and received_at < clock_timestamp() - $1::interval limit $2)"),
    # What cannot be read may hold anyone's messages: kept until an operator has looked at it.
    ("raw_days", "delete from whatsapp.deliveries where id in (select id from whatsapp.deliveries"
     " where state = 'quarantined' and greatest(received_at, seen_at) < clock_timestamp() - $1::interval"
     " and seen_at is not null limit $2)"),
    ("done_days", "delete from whatsapp.events where id in (select id from whatsapp.events"
     f" where state in ({literals(EventState.DONE, EventState.IGNORED)})"
     " and changed_at < clock_timestamp() - $1::interval limit $2)"),
    ("done_days", "delete from whatsapp.statuses where (wamid, status) in (select wamid, status"
     " from whatsapp.statuses where received_at < clock_timestamp() - $1::interval limit $2)"),
)  # fmt: skip


async def apply_retention(pool: Pool, settings: Settings) -> None:
    """Delete up to a batch of each kind; may be repeated at any time. Dead events are never deleted."""
    for days, delete in _RETENTION:
        await pool.execute(delete, timedelta(days=getattr(settings, days)), _BATCH)
