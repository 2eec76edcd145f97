"""Statuses: merged where they are stored, at the price of one row that no index hears of."""

from functools import partial
from uuid import UUID

import asyncpg
import pytest_asyncio

from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.queue import operator_alerts

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .fake_peers import FakePeers
from .test_deletion_locks import transaction
from .test_undelivered import alerts

PHONE = "4915112345678"
TOLD = """
select *, concat_ws(',', case when told_sent_at is not null then 'sent' end,
  case when told_delivered_at is not null then 'delivered' end,
  case when told_read_at is not null then 'read' end) as told from whatsapp.outbox
"""
WRITTEN = """
select n_tup_upd as changed, n_tup_hot_upd as on_their_page from pg_stat_user_tables
where schemaname = 'whatsapp' and relname = 'outbox'
"""


@pytest_asyncio.fixture(loop_scope="session")
async def answered(gateway: Gateway, linked: LinkNumber) -> UUID:
    """A user whose message was answered."""
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    return person


async def test_a_status_of_an_accepted_send_is_merged_in_the_commit_that_stores_it(
    gateway: Gateway, peers: FakePeers, answered: UUID
) -> None:
    await gateway.keep(*(meta.status(peers.sent[0], name) for name in ("sent", "delivered")))
    assert await gateway.ingest_once() == 1
    row = await gateway.pool.fetchrow(TOLD)
    assert row is not None
    assert (row["status"], row["told"]) == ("delivered", "sent,delivered")
    assert await gateway.pool.fetchval("select count(*) from whatsapp.statuses") == 0


async def test_a_status_that_comes_again_or_late_is_noted_once_and_changes_nothing(
    gateway: Gateway, peers: FakePeers, answered: UUID
) -> None:
    after: dict[str, asyncpg.Record | None] = {}
    for name in ("read", "sent", "read"):
        await gateway.keep(meta.status(peers.sent[0], name), meta.status(peers.sent[0], name))
        await gateway.ingest()
        after[name] = await gateway.pool.fetchrow(TOLD)
    assert after["read"] == after["sent"]
    assert after["sent"] is not None
    assert (after["sent"]["status"], after["sent"]["told"]) == ("read", "sent,read")


async def test_a_status_that_comes_before_its_send_is_accepted_waits_for_it(
    gateway: Gateway, peers: FakePeers, answered: UUID
) -> None:
    await gateway.pool.execute("update whatsapp.outbox set state = 'ready', wamid = null")
    await gateway.pool.execute("update whatsapp.outbox set state = 'sending'")
    await gateway.keep(meta.status(peers.sent[0], "read"))
    await gateway.ingest()
    row = await gateway.pool.fetchrow("select state, status, wamid from whatsapp.outbox")
    assert row is not None
    assert tuple(row) == ("accepted", "read", peers.sent[0]["wamid"])
    assert await gateway.pool.fetchval("select bool_and(applied) from whatsapp.statuses")


async def test_a_failure_without_a_code_is_told_of_as_well(
    gateway: Gateway, peers: FakePeers, answered: UUID
) -> None:
    before = alerts()
    await gateway.keep(meta.status(peers.sent[0], "failed"))
    await gateway.ingest()
    for _ in range(2):
        await operator_alerts.announce(gateway.pool)
    assert alerts() - before == 1


async def test_a_status_writes_to_no_index_of_the_outbox(
    gateway: Gateway, peers: FakePeers, answered: UUID, database: Database
) -> None:
    found: list[tuple[int, int]] = []

    async def has_written(count: int) -> bool:
        [row] = await database.admin(WRITTEN)
        found.append((row["changed"], row["on_their_page"]))
        return found[-1][0] >= count

    await eventually(partial(has_written, 1))  # stored as its call began, and accepted
    for name in ("sent", "delivered", "read"):
        await gateway.keep(meta.status(peers.sent[0], name))
        await gateway.ingest()
    await eventually(partial(has_written, 4))
    before = next(one for one in found if one[0] >= 1)
    assert (found[-1][0] - before[0], found[-1][1] - before[1]) == (3, 3)


async def test_a_status_of_a_send_that_is_locked_waits_and_keeps_no_delivery_waiting(
    gateway: Gateway, peers: FakePeers, answered: UUID, database: Database
) -> None:
    await gateway.keep(meta.status(peers.sent[0], "delivered"))
    await gateway.keep(meta.text(body="two"))
    async with transaction(database, "select from whatsapp.outbox for update"):
        await database.admin(
            f"alter role ava_whatsapp_gateway in database {database.name} set lock_timeout = '2s'"
        )
        await gateway.pool.expire_connections()
        assert await gateway.ingest_once() == 2
    assert await gateway.pool.fetchval("select applied from whatsapp.statuses") is False
    await gateway.pool.execute("select whatsapp.settle(p_limit => 100)")
    row = await gateway.pool.fetchrow(TOLD)
    assert row is not None
    assert (row["status"], row["told"]) == ("delivered", "")
