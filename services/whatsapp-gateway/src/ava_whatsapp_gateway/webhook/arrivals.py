"""The deliveries that wait to be ingested, by one process at a time.

An event acknowledged earlier is so in its lane before a later one. Decisions 0050, 0161, 0169 and 0186.
"""

import asyncio
from collections.abc import Mapping, Sequence

import asyncpg

from ava_common.database import Connection

_NEXT = "select id, body, trace, received_at, arrival from whatsapp.next_deliveries(p_limit => $1)"
_PAUSES_SECONDS = (0.0, 0.01, 0.02, 0.04, 0.08)

_DONE = """
with done as (
  delete from whatsapp.arrivals where ctid = any ($1::tid[]) and delivery_ids <@ $2
), partly as (
  update whatsapp.arrivals set delivery_ids = array(
    select id from unnest(delivery_ids) as id where id <> all ($2) order by id)
  where ctid = any ($1::tid[]) and not delivery_ids <@ $2
)
insert into whatsapp.delivery_names (delivery_ids, name_hashes) select $3, $4 where $3 <> '{}'::bigint[]
"""
_DONE_AGAIN = """
update whatsapp.deliveries as d set
  state = 'split', error = null, name_hashes = string_to_array(read.hashes, ' ')::bigint[]
from unnest($1::bigint[], $2::text[]) as read (id, hashes) where d.id = read.id and state = 'new'
"""


async def take(connection: Connection, most: int) -> Sequence[asyncpg.Record]:
    """What has waited longest, for this transaction to ingest; none while another process ingests.

    That one takes some milliseconds and is waited for: it may not have seen what arrived here since.
    """
    for pause in _PAUSES_SECONDS:
        await asyncio.sleep(pause)
        deliveries = await connection.fetch(_NEXT, most)
        if not deliveries or deliveries[0]["id"] is not None:
            return deliveries
    return []


async def done(
    connection: Connection, deliveries: Sequence[asyncpg.Record], hashes: Mapping[int, Sequence[int]]
) -> None:
    """They wait no longer, and are found by these hashes of what they name; what is not read has none."""
    again = {row["id"] for row in deliveries if row["arrival"] is None} & hashes.keys()
    if again:
        words = [" ".join(map(str, hashes[one])) for one in again]
        await connection.execute(_DONE_AGAIN, list(again), words)
    named = [(one, name_hash) for one in hashes.keys() - again for name_hash in hashes[one]]
    rows, ids = {row["arrival"] for row in deliveries} - {None}, [row["id"] for row in deliveries]
    await connection.execute(_DONE, list(rows), ids, *([pair[side] for pair in named] for side in (0, 1)))
