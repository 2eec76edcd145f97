"""What PostgreSQL writes ahead for a message and its answer: each record is paid for by every message.

Decisions 0159, 0160, 0174, 0175, 0178 and 0186.
"""

from uuid import UUID

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers

MOST_BYTES = 9_300
"""A text, its four deliveries and its answer, without the log: 9,136 when this was written."""
_WRITTEN = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"


async def test_a_message_writes_ahead_what_it_needs(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database
) -> None:
    """The least of many: now and then a page of an index is split, or the server writes for itself."""
    assert min([await written_by_one(gateway, peers) for _ in range(20)]) < MOST_BYTES


async def written_by_one(gateway: Gateway, peers: FakePeers) -> int:
    before = await gateway.pool.fetchval(_WRITTEN)
    await gateway.keep(meta.text())
    await gateway.round()
    for status in ("sent", "delivered", "read"):
        await gateway.keep(meta.status(peers.sent[-1], status))
        await gateway.ingest_once()
    return int(await gateway.pool.fetchval(_WRITTEN)) - int(before)


async def test_what_is_done_at_once_keeps_when_it_was_stored(gateway: Gateway, person: UUID) -> None:
    """And what was done later says when."""
    await gateway.keep(meta.text(body="soon"), meta.text(body="late"))
    await gateway.ingest()
    aged = "update whatsapp.events set changed_at = changed_at - interval '2 minutes' where words = 'late'"
    await gateway.pool.execute(aged)
    before = await gateway.pool.fetch("select changed_at from whatsapp.events order by id")
    await gateway.drain()
    after = await gateway.pool.fetch("select changed_at, state from whatsapp.events order by id")
    assert [row["state"] for row in after] == ["done", "done"]
    assert after[0]["changed_at"] == before[0]["changed_at"]
    assert after[1]["changed_at"] > before[0]["changed_at"]
