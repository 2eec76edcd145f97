"""Handle events again, and say for each what that will really do.

Decisions 0051 and 0108.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg

from ava_common.database import Connection
from ava_whatsapp_gateway.cloud_api import errors
from ava_whatsapp_gateway.operator.trace_queries import TOLD
from ava_whatsapp_gateway.queue.states import EventState, SendState, literals

Record = dict[str, Any]


class Result(NamedTuple):
    """What an action did about one event; not `done`: nothing, and the words say why."""

    done: bool
    words: str


# Nothing of Meta's is read meanwhile: a status of the failed call must not settle the new one.
_NO_INGEST = "select pg_advisory_xact_lock(hashtextextended('whatsapp.split', 0))"
_UNREAD = "delete from whatsapp.events where id = any ($1)"
_INGEST_AGAIN = (
    "update whatsapp.deliveries set state = 'new', error = null, alerted_at = null,"
    " seen_at = clock_timestamp() where id = any ($1) returning id"
)
_TRY_AGAIN = f"""
update whatsapp.outbox set state = '{SendState.READY}', failures = 0, changed_at = clock_timestamp()
where event_id = any ($1) and state in ({literals(SendState.FAILED, SendState.DISCARDED)}) and wamid is null
returning event_id
"""
# Free text is accepted within 24 hours of the person's last message only.
_UNDELIVERED = f"""
select o.id, o.event_id, o.code, exists (
    select from whatsapp.events as said
    where said.contact_id = o.contact_id and said.sent_at > clock_timestamp() - interval '24 hours'
  ) as window_open
from whatsapp.outbox as o
where o.event_id = any ($1) and o.kind = 'answer' and o.status = 'failed' and o.wamid is not null
  and o.state = '{SendState.ACCEPTED}'
  and not exists (
    select from whatsapp.statuses as s
    where (s.outbox_id = o.id or s.wamid = o.wamid) and not s.applied)
"""
_REMEMBER = """
insert into whatsapp.former_wamids (wamid, send_id, accepted_at, code)
select wamid, id, accepted_at, code from whatsapp.outbox where id = any ($1)
"""
# As rows of their own, which name the former call: a trigger sees to it that they say nothing of the send.
_SET_STATUSES_APART = f"""
insert into whatsapp.statuses (wamid, status, rank, at, received_at)
select wamid, status, rank, coalesce(at, came_at), came_at from ({TOLD}) as told
on conflict do nothing
"""
_FORGET_STATUSES = """
update whatsapp.statuses as s set outbox_id = null, applied = true
from whatsapp.outbox as o where o.id = any ($1) and (s.wamid = o.wamid or s.outbox_id = o.id)
"""
_SEND_AGAIN = f"""
update whatsapp.outbox set state = '{SendState.READY}', failures = 0, resent = false, wamid = null,
  accepted_at = null, status = null, status_rank = 0, status_at = null, code = null, error = null,
  alerted_at = null, changed_at = clock_timestamp(),
  told_sent_at = null, told_delivered_at = null, told_read_at = null, told_played_at = null
where id = any ($1) and state = '{SendState.ACCEPTED}'
"""


async def sort_out(connection: Connection, rows: Sequence[Record]) -> dict[int, Result]:
    """Prepare the sends and deliveries of these events to be made again; what becomes of each event.

    The caller has locked the lanes, and makes the events ready whose result is `done` and that have a sender.
    """
    results = await _read_deliveries(connection, [row for row in rows if row["contact_id"] is None])
    handled = [row for row in rows if row["contact_id"] is not None]
    ids = [row["id"] for row in handled]
    refused = Counter(row["event_id"] for row in await connection.fetch(_TRY_AGAIN, ids))
    undelivered = await connection.fetch(_UNDELIVERED, ids)
    possible = [send for send in undelivered if _why_not(send) is None]
    await _send_again(connection, possible)
    again = refused + Counter(send["event_id"] for send in possible)
    hopeless = {send["event_id"]: why for send in undelivered if (why := _why_not(send))}
    for row in handled:
        results[row["id"]] = _result(row, again[row["id"]], hopeless)
    return results


async def ingest_again(connection: Connection, delivery_ids: Iterable[int]) -> set[int]:
    """Ingest stored deliveries again; the ids of those that still exist."""
    return {row["id"] for row in await connection.fetch(_INGEST_AGAIN, list(delivery_ids))}


async def _read_deliveries(connection: Connection, unread: Sequence[Record]) -> dict[int, Result]:
    """What was never read has no sender: its whole delivery is read again, and duplicates are left out."""
    stored = await ingest_again(connection, [row["delivery_id"] for row in unread if row["delivery_id"]])
    await connection.execute(_UNREAD, [row["id"] for row in unread if row["delivery_id"] in stored])
    return {
        row["id"]: Result(True, f"delivery {row['delivery_id']} is ingested again")
        if row["delivery_id"] in stored
        else Result(False, "its delivery is deleted, so it cannot be read again")
        for row in unread
    }


async def _send_again(connection: Connection, sends: Sequence[asyncpg.Record]) -> None:
    ids = [send["id"] for send in sends]
    if ids:
        for statement in (_REMEMBER, _SET_STATUSES_APART, _FORGET_STATUSES, _SEND_AGAIN):
            await connection.execute(statement, ids)


def _why_not(send: asyncpg.Record) -> str | None:
    """Why another call cannot help; None when it may."""
    if not errors.may_be_sent_again(send["code"]):
        return f"not delivered; code {send['code']} does not change with another call"
    if not send["window_open"]:
        return "not delivered; the person's last message is more than 24 hours old, so Meta takes no answer"
    return None


def _result(row: Record, again: int, hopeless: Mapping[int, str]) -> Result:
    sends = f"{again} send{'' if again == 1 else 's'} will be made again"
    if again:
        return Result(True, sends if row["state"] == EventState.DONE else f"handled again, {sends}")
    if row["state"] != EventState.DONE:
        return Result(True, "handled again")
    status = f", and its answer is {row['status']}" if row["status"] else ""
    return Result(False, hopeless.get(row["id"], f"it is done{status}"))


async def lock_ingest(connection: Connection) -> None:
    """First of all locks, as the comment on the schema says."""
    await connection.execute(_NO_INGEST)
