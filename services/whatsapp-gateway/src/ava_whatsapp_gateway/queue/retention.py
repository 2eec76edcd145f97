"""Delete what has been kept long enough, a little at a time, and show how old the oldest of each kind is.

Decisions 0136 and 0170.
"""

from dataclasses import dataclass
from datetime import timedelta

from ava_common.database import Pool
from ava_whatsapp_gateway.metrics import KEPT_AGE, KEPT_LIMIT, RETENTION_DELETED
from ava_whatsapp_gateway.queue.states import EventState, literals
from ava_whatsapp_gateway.settings import Settings

_BATCH = 500
_LOOKED_AT = 10 * _BATCH
"""Among so many rows the first that is not due is looked for; where all are due, a batch is found anyway."""
PAST = "written too long before the number was linked"
"""The reason of an event that was discarded because a typed number releases recent words only."""


@dataclass(frozen=True)
class Kept:
    """Rows of one kind, the setting that says for how many days, and since when they count.

    `parts` are conditions instead of one, where an index finds the oldest of each part only. Without an index
    of `since`, rows are kept `by_id`: in the order in which they came.
    """

    kind: str
    setting: str
    table: str
    since: str
    where: str
    parts: tuple[str, ...] = ()
    by_id: bool = False

    @property
    def order(self) -> str:
        return "id" if self.by_id else self.since

    @property
    def due(self) -> str:
        # An index serves the statement's time, and not the clock's.
        due = f"{self.since} < statement_timestamp() - $1::interval"
        if self.by_id:  # nothing behind the first that is not due yet, unless the clock was ahead then
            first = f"select id, {self.since} from whatsapp.{self.table} order by id limit {_LOOKED_AT}"
            is_young = f"not {due} and {self.since} <= statement_timestamp()"
            young = f"select id from ({first}) as first where {is_young} order by id limit 1"
            due += f" and kept.id < coalesce(({young}), {2**63 - 1})"
        return (
            f"select kept.ctid from whatsapp.{self.table} as kept where {self.where} and {due}"
            f" order by {self.order} limit $2 for update of kept skip locked"
        )

    @property
    def delete(self) -> str:
        return f"delete from whatsapp.{self.table} as kept where ctid = any ($1::tid[]) and {self.where}"

    @property
    def age(self) -> str:
        rows, order = (
            f"select {self.since} from whatsapp.{self.table} as kept",
            f"order by {self.order} limit 1",
        )
        oldest = ", ".join(f"({rows} where {part} {order})" for part in self.parts or (self.where,))
        return f"select coalesce(extract(epoch from clock_timestamp() - least({oldest})), 0)::float"


def _events(kind: str, setting: str, since: str, *states: EventState) -> Kept:
    return Kept(kind, setting, "events", since, f"state in ({literals(*states)})")


# Of each row by itself (offset 0): a join could be planned for few deliveries, and read all for each row.
_NAMES_NONE = (
    "not exists (select from whatsapp.deliveries as d where d.id = any (kept.delivery_ids) offset 0)"
)
_OLDEST_NAMES = "select max(id) from (select id from whatsapp.delivery_names order by id limit 50) as oldest"
_UNDECIDED = (EventState.DEAD, EventState.UNRESOLVED, EventState.QUARANTINED)
KEPT = (
    # Held for a sender who never linked: we may not keep their words.
    _events("held", "held_days", "received_at", EventState.HELD),
    # Nor those that were said too long before a link.
    Kept(
        "past_words", "held_days", "events", "received_at",
        f"state = '{EventState.DISCARDED}' and reason = '{PAST}'",
    ),
    Kept(
        "unlinked_contacts", "held_days", "contacts", "first_seen_at",
        "user_id is null and not exists (select from whatsapp.events as e where e.contact_id = kept.id)"
        " and not exists (select from whatsapp.lanes as l where l.contact_id = kept.id)",
    ),
    # As long as an update of it waits to be read, it is read again from here.
    Kept(
        "deliveries", "raw_days", "deliveries", "received_at",
        "state = 'split' and not exists (select from whatsapp.events as e where e.delivery_id = kept.id"
        f" and e.contact_id is null and e.state = '{EventState.QUARANTINED}')"
        " and kept.id <> all (array(select unnest(delivery_ids) from whatsapp.arrivals))",
        by_id=True,
    ),
    # By them these deliveries are found, as long as there is one. Those that are due are among the oldest.
    Kept(
        "delivery_names", "raw_days", "delivery_names", "ingested_at", _NAMES_NONE,
        parts=(f"{_NAMES_NONE} and kept.id <= ({_OLDEST_NAMES})",), by_id=True,
    ),
    # What cannot be read may hold anyone's messages: kept until an operator has looked at it.
    Kept(
        "unreadable_deliveries", "undecided_days", "deliveries", "greatest(received_at, seen_at)",
        "state = 'quarantined' and seen_at is not null",
    ),
    _events("done", "done_days", "changed_at", EventState.DONE, EventState.IGNORED),
    _events("discarded", "done_days", "changed_at", EventState.DISCARDED),
    Kept(
        "undecided", "undecided_days", "events", "changed_at", f"state in ({literals(*_UNDECIDED)})",
        parts=tuple(f"state = '{state}'" for state in _UNDECIDED),
    ),
    Kept("statuses", "done_days", "statuses", "received_at", "true"),
)  # fmt: skip
"""All that holds words or numbers and has a limit. A linked contact stays as long as its account."""


async def apply_retention(pool: Pool, settings: Settings) -> None:
    """Delete up to a batch of each kind; may be repeated at any time.

    Locked first, and asked about again: what a contact just said must not go with the contact.
    """
    for kept in KEPT:
        asked, deleted = (kept.due, _limit(kept, settings), _BATCH), RETENTION_DELETED.labels(kept.kind)
        if await pool.fetch(*asked):
            async with pool.acquire() as connection, connection.transaction():
                due = [row["ctid"] for row in await connection.fetch(*asked)]
                done = await connection.execute(kept.delete, due)
            deleted.inc(int(done.rpartition(" ")[2]))


async def set_gauges(pool: Pool, settings: Settings) -> None:
    """The age of the oldest row of each kind, beside its limit."""
    for kept in KEPT:
        KEPT_AGE.labels(kept.kind).set(await pool.fetchval(kept.age))
        KEPT_LIMIT.labels(kept.kind).set(_limit(kept, settings).total_seconds())


def _limit(kept: Kept, settings: Settings) -> timedelta:
    return timedelta(days=getattr(settings, kept.setting))
