"""The operator's actions on events and sends; each may be repeated without harm.

Decision 0051.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from ava_common.database import Connection
from ava_whatsapp_gateway.operator.filters import SELECTED, Filters
from ava_whatsapp_gateway.queue.states import Actor, EventState, SendState, literals, states_before

Record = dict[str, Any]

_WAKE = "select whatsapp.wake(p_contact_ids => $1, p_at_once => true)"
_STATE = """
update whatsapp.events set state = $2, reason = $3, attempts = 0, released_at = null,
  changed_at = clock_timestamp()
where id = any ($1)
"""
_TRY_AGAIN = f"""
update whatsapp.outbox set state = '{SendState.READY}', failures = 0, changed_at = clock_timestamp()
where event_id = any ($1) and state in ({literals(SendState.FAILED, SendState.DISCARDED)}) and wamid is null
"""
_DROP_SENDS = f"""
update whatsapp.outbox set state = '{SendState.DISCARDED}', changed_at = clock_timestamp()
where event_id = any ($1)
  and state in ({literals(SendState.READY, SendState.UNKNOWN, SendState.UNRESOLVED, SendState.FAILED)})
"""
_UNREAD = "delete from whatsapp.events where id = any ($1)"
_INGEST_AGAIN = "update whatsapp.deliveries set state = 'new', error = null where id = any ($1)"
_SENT = f"""
update whatsapp.outbox set state = '{SendState.ACCEPTED}', accepted_at = coalesce(accepted_at, changed_at),
  changed_at = clock_timestamp()
where event_id = any ($1) and state in ({literals(SendState.UNKNOWN, SendState.UNRESOLVED)})
"""
_NOT_SENT = f"""
update whatsapp.outbox set state = '{SendState.READY}', resent = true, changed_at = clock_timestamp()
where event_id = any ($1) and state in ({literals(SendState.UNKNOWN, SendState.UNRESOLVED)})
"""
_UNREADABLE = """
select id, state, error, received_at from whatsapp.deliveries
where state = 'quarantined' and ($1::timestamptz is null or received_at >= $1)
  and ($2::timestamptz is null or received_at < $2)
order by id desc limit $3
"""
_SENDS = """
select id, kind, part, state, attempts, resent, wamid, accepted_at, status, status_at, code, error,
  changed_at, body
from whatsapp.outbox where event_id = $1 order by kind, part
"""
_DETAILS = """
select e.*, c.wa_digits, c.bsuid, c.username, c.recycled, l.due_at, l.waits_for,
  l.token is not null as in_work
from whatsapp.events as e left join whatsapp.contacts as c on c.id = e.contact_id
left join whatsapp.lanes as l on l.contact_id = e.contact_id where e.id = $1
"""


async def select(connection: Connection, filters: Filters) -> list[Record]:
    """The events that the filters select, newest first."""
    return [dict(row) for row in await connection.fetch(SELECTED, *filters.arguments())]


async def unreadable_deliveries(connection: Connection, filters: Filters) -> list[Record]:
    """Deliveries with a valid signature that could not be parsed."""
    rows = await connection.fetch(_UNREADABLE, filters.since, filters.until, filters.limit)
    return [dict(row) for row in rows]


async def show(connection: Connection, event: int, *, words: bool) -> Record:
    """All there is to know about one event; what was said only on request."""
    details = await connection.fetchrow(_DETAILS, event)
    found = _shown(details, words) if details else {}
    sends = await connection.fetch(_SENDS, event)
    return {**found, "sends": [_shown(send, words) for send in sends]}


def _shown(row: asyncpg.Record, words: bool) -> Record:
    hidden = {"item", "names"} if words else {"item", "names", "words", "body"}
    return {key: value for key, value in row.items() if key not in hidden}


async def replay(connection: Connection, rows: Sequence[Record]) -> None:
    """Handle them again from the start: what was logged or sent already is not logged or sent again."""
    unread = [row for row in rows if row["contact_id"] is None and row["delivery_id"]]
    ids = _ids(row for row in rows if row["contact_id"])
    await connection.execute(_UNREAD, _ids(unread))
    await connection.execute(_INGEST_AGAIN, [row["delivery_id"] for row in unread])
    await connection.execute(_TRY_AGAIN, ids)
    await connection.execute(_STATE, ids, EventState.READY, None)


async def ingest_again(connection: Connection, deliveries: Sequence[Record]) -> None:
    """Ingest unreadable deliveries again, after the parser was fixed."""
    await connection.execute(_INGEST_AGAIN, _ids(deliveries))


async def quarantine(connection: Connection, rows: Sequence[Record]) -> None:
    """Take them out of their lanes, so that later events go on; replay brings them back."""
    await connection.execute(_STATE, _ids(rows), EventState.QUARANTINED, "by an operator")


async def discard(connection: Connection, rows: Sequence[Record]) -> None:
    """Do and send nothing more for them; the rows stay."""
    await connection.execute(_DROP_SENDS, _ids(rows))
    await connection.execute(_STATE, _ids(rows), EventState.DISCARDED, "by an operator")


async def resolve_sent(connection: Connection, rows: Sequence[Record]) -> None:
    """The operator knows that it arrived: log the answer, send nothing."""
    await connection.execute(_SENT, _ids(rows))
    await connection.execute(_STATE, _ids(rows), EventState.READY, None)


async def resolve_not_sent(connection: Connection, rows: Sequence[Record]) -> None:
    """The operator knows that it never arrived: send it once more."""
    await connection.execute(_NOT_SENT, _ids(rows))
    await connection.execute(_STATE, _ids(rows), EventState.READY, None)


Action = Callable[[Connection, Sequence[Record]], Awaitable[None]]

ALLOWED_STATES: dict[Action, frozenset[str]] = {
    replay: states_before(EventState.READY, Actor.OPERATOR),
    quarantine: states_before(EventState.QUARANTINED, Actor.OPERATOR),
    discard: states_before(EventState.DISCARDED, Actor.OPERATOR),
    resolve_sent: frozenset({EventState.AWAITING, EventState.UNRESOLVED}),
    resolve_not_sent: frozenset({EventState.AWAITING, EventState.UNRESOLVED}),
}
"""The states to which an action applies; events in other states are left alone."""


async def apply(
    connection: Connection, action: Action, filters: Filters, *, dry_run: bool = False
) -> list[Record]:
    """Apply it in one transaction; returns the events it was (in a dry run: would be) applied to."""
    async with connection.transaction():
        rows = await _applicable(connection, action, filters)
        if rows and not dry_run:
            contacts = [row["contact_id"] for row in rows if row["contact_id"]]
            await connection.execute(_WAKE, contacts)  # lanes are locked first, as everywhere
            # Checked again: a worker may have finished one of them before its lane was locked.
            still = {row["id"] for row in await _applicable(connection, action, filters)}
            rows = [row for row in rows if row["id"] in still]
            await action(connection, rows)
    return rows


async def _applicable(connection: Connection, action: Action, filters: Filters) -> list[Record]:
    return [row for row in await select(connection, filters) if row["state"] in ALLOWED_STATES[action]]


def _ids(rows: Any) -> list[int]:
    return [row["id"] for row in rows]
