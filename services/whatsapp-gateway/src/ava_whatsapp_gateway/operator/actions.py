"""The operator's actions on events and sends; each may be repeated without harm.

Decision 0051.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from ava_common.database import Connection
from ava_whatsapp_gateway.operator import replay as again
from ava_whatsapp_gateway.operator.filters import NEWEST_FIRST, OLDEST_FIRST, Filters
from ava_whatsapp_gateway.operator.replay import Result
from ava_whatsapp_gateway.queue.states import Actor, EventState, SendState, literals, states_before

Record = dict[str, Any]

_BATCH = 500
"""Events changed in one transaction: their lanes are locked as long."""

_WAKE = "select whatsapp.wake(p_contact_ids => $1, p_at_once => true)"
_STATE = """
update whatsapp.events set state = $2, reason = $3, attempts = 0, released_at = null,
  changed_at = clock_timestamp()
where id = any ($1)
"""
_DROP_SENDS = f"""
update whatsapp.outbox set state = '{SendState.DISCARDED}', changed_at = clock_timestamp()
where event_id = any ($1)
  and state in ({literals(SendState.READY, SendState.UNKNOWN, SendState.UNRESOLVED, SendState.FAILED)})
"""
_SENT = f"""
update whatsapp.outbox set state = '{SendState.ACCEPTED}', accepted_at = coalesce(accepted_at, changed_at),
  changed_at = clock_timestamp()
where event_id = any ($1) and state in ({literals(SendState.UNKNOWN, SendState.UNRESOLVED)})
"""
_NOT_SENT = f"""
update whatsapp.outbox set state = '{SendState.READY}', resent = true, changed_at = clock_timestamp()
where event_id = any ($1) and state in ({literals(SendState.UNKNOWN, SendState.UNRESOLVED)})
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
    return [dict(row) for row in await connection.fetch(NEWEST_FIRST, *filters.arguments())]


async def show(connection: Connection, event: int, *, words: bool) -> Record:
    """All there is to know about one event; what was said only on request."""
    details = await connection.fetchrow(_DETAILS, event)
    found = _shown(details, words) if details else {}
    sends = await connection.fetch(_SENDS, event)
    return {**found, "sends": [_shown(send, words) for send in sends]}


def _shown(row: asyncpg.Record, words: bool) -> Record:
    hidden = {"item", "names"} if words else {"item", "names", "words", "body"}
    return {key: value for key, value in row.items() if key not in hidden}


async def replay(connection: Connection, rows: Sequence[Record]) -> dict[int, Result]:
    """Handle them again from the start: what was logged or delivered already is not logged or sent again."""
    results = await again.sort_out(connection, rows)
    ready = [row["id"] for row in rows if row["contact_id"] is not None and results[row["id"]].done]
    await connection.execute(_STATE, ready, EventState.READY, None)
    return results


async def quarantine(connection: Connection, rows: Sequence[Record]) -> dict[int, Result]:
    """Take them out of their lanes, so that later events go on; replay brings them back."""
    await connection.execute(_STATE, _ids(rows), EventState.QUARANTINED, "by an operator")
    return _all(rows, "out of its lane until it is replayed")


async def discard(connection: Connection, rows: Sequence[Record]) -> dict[int, Result]:
    """Do and send nothing more for them; the rows stay."""
    await connection.execute(_DROP_SENDS, _ids(rows))
    await connection.execute(_STATE, _ids(rows), EventState.DISCARDED, "by an operator")
    return _all(rows, "nothing more is done or sent")


async def resolve_sent(connection: Connection, rows: Sequence[Record]) -> dict[int, Result]:
    """The operator knows that it arrived: log the answer, send nothing."""
    await connection.execute(_SENT, _ids(rows))
    await connection.execute(_STATE, _ids(rows), EventState.READY, None)
    return _all(rows, "its answer counts as sent and is logged")


async def resolve_not_sent(connection: Connection, rows: Sequence[Record]) -> dict[int, Result]:
    """The operator knows that it never arrived: send it once more."""
    await connection.execute(_NOT_SENT, _ids(rows))
    await connection.execute(_STATE, _ids(rows), EventState.READY, None)
    return _all(rows, "its answer is sent once more")


Action = Callable[[Connection, Sequence[Record]], Awaitable[dict[int, Result]]]

ALLOWED_STATES: dict[Action, frozenset[str]] = {
    replay: states_before(EventState.READY, Actor.OPERATOR),
    quarantine: states_before(EventState.QUARANTINED, Actor.OPERATOR),
    discard: states_before(EventState.DISCARDED, Actor.OPERATOR),
    resolve_sent: frozenset({EventState.AWAITING, EventState.UNRESOLVED}),
    resolve_not_sent: frozenset({EventState.AWAITING, EventState.UNRESOLVED}),
}
"""The states to which an action applies; events in other states are left alone."""


@dataclass(frozen=True)
class Applied:
    """The events an action was (in a dry run: would be) applied to, oldest first, each with its `result`.

    `matched` counts all that the filters select, `changed` those that the action did something about.
    """

    matched: int
    changed: int
    rows: list[Record]


class _DryRun(Exception):
    """Ends the transaction of a dry run."""


async def apply(
    connection: Connection, action: Action, filters: Filters, *, dry_run: bool = False
) -> Applied:
    """Apply it to all events that match, oldest first, some hundred in a transaction.

    A dry run does the same and takes it back, so that it says what would really be done.
    """
    found = [dict(row) for row in await connection.fetch(OLDEST_FIRST, *filters.arguments())]
    matched, changed = (found[0]["matched"] if found else 0), 0
    for start in range(0, len(found), _BATCH):
        batch = found[start : start + _BATCH]
        results = await _apply_to(connection, action, filters, batch, dry_run=dry_run)
        for row in batch:
            row["result"] = results[row["id"]].words
        changed += sum(result.done for result in results.values())
    return Applied(matched, changed, found)


async def _apply_to(
    connection: Connection, action: Action, filters: Filters, batch: list[Record], *, dry_run: bool
) -> Mapping[int, Result]:
    results = {row["id"]: Result(False, f"it is {row['state']}") for row in batch}
    try:
        async with connection.transaction():
            if action is replay:
                await again.lock_ingest(connection)
            contacts = {row["contact_id"] for row in batch if row["state"] in ALLOWED_STATES[action]}
            await connection.execute(_WAKE, list(contacts - {None}))  # lanes are locked first, as everywhere
            # Asked again: a worker may have finished one of them before its lane was locked.
            rows = await connection.fetch(OLDEST_FIRST, *filters.only(_ids(batch)).arguments())
            applicable = [dict(row) for row in rows if row["state"] in ALLOWED_STATES[action]]
            results |= await action(connection, applicable)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return results


def _all(rows: Sequence[Record], words: str) -> dict[int, Result]:
    return {row["id"]: Result(True, words) for row in rows}


def _ids(rows: Sequence[Record]) -> list[int]:
    return [row["id"] for row in rows]
