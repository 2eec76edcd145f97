"""Deliveries that no parser could read: list them, look at one, read them again, delete them.

Decision 0108.
"""

from collections.abc import Sequence
from typing import Any

from ava_common.database import Connection
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.operator.replay import ingest_again

Record = dict[str, Any]

_FOUND = """
select d.id, d.error,
  case when exists (
    select from whatsapp.arrivals where d.id = any (delivery_ids)
  ) then 'new' else d.state end as state,
  octet_length(d.body) as bytes, d.received_at, d.alerted_at, d.seen_at,
  split_part(d.trace, ' ', 2) as request_id, count(*) over () as matched
from whatsapp.deliveries as d
where (d.state = 'quarantined' or $1::bigint[] is not null)
  and ($1::bigint[] is null or d.id = any ($1))
  and ($2::timestamptz is null or d.received_at >= $2)
  and ($3::timestamptz is null or d.received_at < $3)
"""
_NEWEST_FIRST = f"{_FOUND} order by d.id desc limit $4"
_UNREADABLE = f"{_FOUND} and d.state = 'quarantined' order by d.id limit $4"
_LOOKED_AT = """
update whatsapp.deliveries set seen_at = clock_timestamp() where id = any ($1) returning id, body
"""
_DELETE = "delete from whatsapp.deliveries where id = any ($1) and state = 'quarantined'"


async def select(connection: Connection, filters: Filters) -> list[Record]:
    """Unreadable deliveries, newest first; one that is asked for by its id in whatever state."""
    return [dict(row) for row in await connection.fetch(_NEWEST_FIRST, *_arguments(filters))]


async def show(connection: Connection, filters: Filters, *, words: bool) -> list[Record]:
    """The same, from now on known to be looked at; what Meta posted only with `words`."""
    found = await select(connection, filters)
    bodies = {row["id"]: row["body"] for row in await connection.fetch(_LOOKED_AT, _ids(found))}
    return [row | ({"body": _text(bodies[row["id"]])} if words else {}) for row in found]


async def replay(connection: Connection, filters: Filters, *, dry_run: bool) -> list[Record]:
    """Read them again, after the parser was fixed."""
    found = await _unreadable(connection, filters)
    if not dry_run:
        await ingest_again(connection, _ids(found))
    return [row | {"result": "is ingested again"} for row in found]


async def discard(connection: Connection, filters: Filters, *, dry_run: bool) -> list[Record]:
    """Delete them for good."""
    found = await _unreadable(connection, filters)
    if not dry_run:
        await connection.execute(_DELETE, _ids(found))
    return [row | {"result": "is deleted"} for row in found]


async def _unreadable(connection: Connection, filters: Filters) -> list[Record]:
    return [dict(row) for row in await connection.fetch(_UNREADABLE, *_arguments(filters))]


def _arguments(filters: Filters) -> tuple[Any, ...]:
    return filters.ids, filters.since, filters.until, filters.limit


def _ids(rows: Sequence[Record]) -> list[int]:
    return [row["id"] for row in rows]


def _text(body: bytes) -> str:
    """The bytes as text, also where they are none."""
    return body.decode("utf-8", "backslashreplace")
