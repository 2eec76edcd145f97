"""The inbox: what gathers during one commit goes into the next, and nothing that waits is forgotten."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ava_common.database import Pool, open_pool
from ava_common.problems import DatabaseAway
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.metrics import COMMIT_SIZE, DELIVERIES
from ava_whatsapp_gateway.webhook.delivery_inbox import Inbox

from .waiting import until_blocked

SAME = "insert into whatsapp.deliveries (digest, body) values (sha256($1), $1)"
LOCK = "lock table whatsapp.deliveries"
STUCK = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    url = database.url("ava_whatsapp_gateway")
    async with open_pool(url, name="test", size=2, may_become=("service_role",)) as opened:
        yield opened


def count(outcome: str) -> float:
    (metric,) = DELIVERIES.labels(outcome).collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))


def commits() -> float:
    (metric,) = COMMIT_SIZE.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_count"))


async def bodies(pool: Pool) -> list[bytes]:
    return [row["body"] for row in await pool.fetch("select body from whatsapp.deliveries order by id")]


async def test_what_arrives_at_any_moment_after_a_commit_is_stored(pool: Pool) -> None:
    """Also while the connection is given back, when nobody looks whether something waits."""
    inbox = Inbox(pool, asyncio.Event())
    for number in range(60):
        await inbox.keep(b"first %d" % number, "")
        for _ in range(number % 12):
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await inbox.keep(b"second %d" % number, "")
    assert len(await bodies(pool)) == 120


async def test_what_has_reached_the_sockets_shares_a_commit(pool: Pool) -> None:
    """With ASGI a request is read in one turn of the event loop, and its task runs in the next."""
    inbox = Inbox(pool, asyncio.Event())
    await inbox.keep(b"opens the connection", "")
    begun = commits()
    first = inbox.keep(b"first", "")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.gather(first, inbox.keep(b"read while the first was checked", ""))
    assert commits() == begun + 1


async def test_one_row_that_is_refused_costs_the_others_of_its_commit_nothing(
    pool: Pool, database: Database
) -> None:
    await database.admin("alter table whatsapp.deliveries add check (body <> 'bad')")
    inbox = Inbox(pool, asyncio.Event())
    sent = [b"one", b"bad", b"two"]
    kept = await asyncio.gather(*[inbox.keep(body, "") for body in sent], return_exceptions=True)
    assert [type(answer) for answer in kept] == [type(None), DatabaseAway, type(None)]
    assert await bodies(pool) == [b"one", b"two"]


async def test_a_connection_that_breaks_fails_its_group_and_the_next_group_gets_another(
    pool: Pool, database: Database
) -> None:
    inbox, locked = Inbox(pool, asyncio.Event()), await asyncpg.connect(database.url("supabase_admin"))
    async with locked.transaction():
        await locked.execute(LOCK)
        first = inbox.keep(b"first", "")
        await until_blocked(database)
        (stuck,) = await database.admin(STUCK)
        second = inbox.keep(b"second", "")
        await asyncio.sleep(0)
        await database.admin(f"select pg_terminate_backend({stuck['pid']})")
        with pytest.raises(DatabaseAway):
            await first
    await second
    await locked.close()
    assert await bodies(pool) == [b"second"]


async def test_each_delivery_is_counted_once_as_new_or_as_a_duplicate(pool: Pool) -> None:
    inbox, before = Inbox(pool, asyncio.Event()), (count("kept"), count("duplicate"))
    await asyncio.gather(*[inbox.keep(body, "") for body in (b"one", b"two", b"one", b"one")])
    await inbox.keep(b"two", "")
    assert (count("kept") - before[0], count("duplicate") - before[1]) == (2, 3)
    assert await bodies(pool) == [b"one", b"two"]


async def test_two_processes_store_the_same_in_different_orders(pool: Pool, database: Database) -> None:
    """They wait for each other in a circle, and one is stopped by PostgreSQL."""
    inbox, other = Inbox(pool, asyncio.Event()), await asyncpg.connect(database.url("supabase_admin"))
    async with other.transaction():
        await other.execute(SAME, b"one")
        kept = [inbox.keep(body, "") for body in (b"two", b"one")]
        await until_blocked(database)
        await other.execute(f"{SAME} on conflict do nothing", b"two")
    await asyncio.gather(*kept)
    await other.close()
    assert sorted(await bodies(pool)) == [b"one", b"two"]


@pytest.mark.parametrize("sent", [[b"same"], [b"one", b"same", b"two"]], ids=["alone", "with others"])
async def test_what_another_process_is_storing_at_that_moment_is_a_duplicate(
    pool: Pool, database: Database, sent: list[bytes]
) -> None:
    """Acknowledged once that is committed, and so are those that share the statement."""
    inbox, other = Inbox(pool, asyncio.Event()), await asyncpg.connect(database.url("supabase_admin"))
    before = count("kept"), count("duplicate")
    async with other.transaction():
        await other.execute(SAME, b"same")
        kept = [inbox.keep(body, "") for body in sent]
        await until_blocked(database)
        assert not any(one.done() for one in kept)
    await asyncio.gather(*kept)
    await other.close()
    assert (count("kept") - before[0], count("duplicate") - before[1]) == (len(sent) - 1, 1)
    assert sorted(await bodies(pool)) == sorted(sent)


async def test_a_delivery_whose_number_is_taken_is_not_acknowledged(pool: Pool, database: Database) -> None:
    """As after a restore that left the counter behind: refused by another index than that of digests."""
    inbox = Inbox(pool, asyncio.Event())
    await inbox.keep(b"one", "")
    await database.admin("alter table whatsapp.deliveries alter column id restart with 1")
    with pytest.raises(DatabaseAway):
        await inbox.keep(b"two", "")
    await inbox.keep(b"two", "")
    assert await bodies(pool) == [b"one", b"two"]
