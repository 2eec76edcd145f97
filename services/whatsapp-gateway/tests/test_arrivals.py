"""Deliveries that wait: each is ingested once, in order, whichever version stored it, and then left as it is.

Decision 0186.
"""

import asyncio
import hashlib

import asyncpg

from ava_common.database import Pool
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.metrics import BACKLOG
from ava_whatsapp_gateway.operator import deliveries
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.queue import backlog, operator_alerts, retention
from ava_whatsapp_gateway.webhook.delivery_inbox import KEEP
from ava_whatsapp_gateway.webhook.ingest import BATCH_DELIVERIES

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .test_account_deletion import delete_account
from .waiting import until_blocked

PHONE, OTHER = "4915112345678", "4915187654321"
_AS_BEFORE = "insert into whatsapp.deliveries (digest, body) values ($1, $2)"
_WAITING = "select delivery_ids from whatsapp.arrivals order by delivery_ids[1]"
_STATES = "select state from whatsapp.deliveries order by id"
_INGESTING = "select pg_advisory_xact_lock(hashtextextended('whatsapp.split', 0))"


def said(number: int) -> bytes:
    return meta.envelope(meta.text(body=str(number)))


async def keep_together(pool: Pool, *numbers: int) -> None:
    """Store these texts in one commit."""
    bodies = [said(number) for number in numbers]
    await pool.execute(KEEP, [hashlib.sha256(body).digest() for body in bodies], bodies, ["" for _ in bodies])


async def keep_as_before(pool: Pool, number: int) -> None:
    """Store this text as gateways of before do."""
    await pool.execute(_AS_BEFORE, hashlib.sha256(said(number)).digest(), said(number))


async def waiting(pool: Pool) -> list[list[int]]:
    return [row[0] for row in await pool.fetch(_WAITING)]


async def states(pool: Pool) -> list[str]:
    return [row["state"] for row in await pool.fetch(_STATES)]


async def words(pool: Pool) -> list[str]:
    return [row["words"] for row in await pool.fetch("select words from whatsapp.events order by id")]


async def test_a_delivery_is_written_once(gateway: Gateway, database: Database) -> None:
    await keep_together(gateway.pool, 1, 2)
    await gateway.drain()
    written = "select n_tup_ins, n_tup_upd from pg_stat_user_tables where relname = 'deliveries'"

    async def is_counted() -> bool:
        return [tuple(row) for row in await database.admin(written)] == [(2, 0)]

    await eventually(is_counted)
    assert await waiting(gateway.pool) == []


async def test_more_than_fits_into_a_batch_is_ingested_in_order(gateway: Gateway) -> None:
    await keep_together(gateway.pool, *range(80))
    await keep_together(gateway.pool, *range(80, 90))
    assert await gateway.ingest_once() == BATCH_DELIVERIES
    assert [len(group) for group in await waiting(gateway.pool)] == [80 - BATCH_DELIVERIES, 10]
    await gateway.ingest()
    assert await words(gateway.pool) == [str(number) for number in range(90)]
    assert await waiting(gateway.pool) == []


async def test_what_two_processes_store_at_once_is_ingested_in_order(gateway: Gateway) -> None:
    """Their numbers are drawn in turns then, so that neither of the two groups comes first."""
    await keep_together(gateway.pool, *range(50))
    await gateway.pool.execute("delete from whatsapp.arrivals")
    await gateway.pool.execute(
        "insert into whatsapp.arrivals (delivery_ids)"
        " select array_agg(id order by id) from whatsapp.deliveries group by id % 2"
    )
    await gateway.ingest()
    assert await words(gateway.pool) == [str(number) for number in range(50)]
    assert await waiting(gateway.pool) == []


async def test_what_gateways_of_before_store_beside_is_ingested_in_order(gateway: Gateway) -> None:
    for number in range(0, 80, 2):
        await keep_as_before(gateway.pool, number)
        await keep_together(gateway.pool, number + 1)
    await gateway.ingest()
    assert await words(gateway.pool) == [str(number) for number in range(80)]
    assert set(await states(gateway.pool)) == {"split"}
    assert await waiting(gateway.pool) == []


async def test_gateways_of_before_get_what_was_acknowledged_before_theirs(gateway: Gateway) -> None:
    """Whether newer ones still run or not: what comes later must not be in its lane earlier."""
    await keep_together(gateway.pool, 1, 2)
    await keep_as_before(gateway.pool, 3)
    await keep_together(gateway.pool, 4)
    assert await states(gateway.pool) == ["new", "new", "new", "split"]
    assert [len(group) for group in await waiting(gateway.pool)] == [1]
    await gateway.ingest()
    assert await words(gateway.pool) == ["1", "2", "3", "4"]


async def test_gateways_of_before_get_what_waits_for_long_although_nothing_comes(gateway: Gateway) -> None:
    """Each version announces what it cannot read, every few seconds; what newer ones left is given then."""
    await keep_together(gateway.pool, 1, 2)
    await keep_together(gateway.pool, 3)
    await operator_alerts.announce(gateway.pool)
    assert await states(gateway.pool) == ["split", "split", "split"]
    await gateway.pool.execute(
        "update whatsapp.deliveries set received_at = now() - interval '2 minutes' where id = 1"
    )
    async with gateway.pool.acquire() as other, other.transaction():
        await other.execute(_INGESTING)
        await operator_alerts.announce(gateway.pool)
        assert await states(gateway.pool) == ["split", "split", "split"]
    await operator_alerts.announce(gateway.pool)
    assert await states(gateway.pool) == ["new", "new", "new"]
    assert await waiting(gateway.pool) == []
    await gateway.ingest()
    assert await words(gateway.pool) == ["1", "2", "3"]


async def test_what_waits_twice_or_is_gone_holds_nobody_up(gateway: Gateway) -> None:
    """Statements by hand: one says that a delivery is to be ingested again, another deletes one."""
    await keep_together(gateway.pool, 1, 2, 3)
    await gateway.pool.execute("update whatsapp.deliveries set state = 'new' where id = 1")
    await gateway.pool.execute("delete from whatsapp.deliveries where id = 2")
    await gateway.ingest()
    assert await words(gateway.pool) == ["1", "3"]
    assert await states(gateway.pool) == ["split", "split"]
    await operator_alerts.announce(gateway.pool)
    assert await waiting(gateway.pool) == []


async def test_nothing_is_handed_over_that_is_being_ingested(gateway: Gateway, database: Database) -> None:
    await keep_together(gateway.pool, 1)
    newer = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        async with newer.transaction():
            await newer.execute(_INGESTING)
            storing = asyncio.create_task(keep_as_before(gateway.pool, 2))
            await until_blocked(database)
            await newer.execute("delete from whatsapp.arrivals")
        await storing
    finally:
        await newer.close()
    assert await states(gateway.pool) == ["split", "new"]


async def test_one_process_ingests_at_a_time(gateway: Gateway, database: Database) -> None:
    await keep_together(gateway.pool, 1)
    other = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        async with other.transaction():
            await other.execute(_INGESTING)
            assert await gateway.ingest_once() == 0
            assert await words(gateway.pool) == []
    finally:
        await other.close()
    await gateway.ingest()
    assert await words(gateway.pool) == ["1"]


async def test_what_waits_is_shown_as_new_and_counted(gateway: Gateway) -> None:
    await keep_together(gateway.pool, 1, 2)
    await keep_as_before(gateway.pool, 3)
    await backlog.set_gauges(gateway.pool, meta.NUMBER_ID)
    assert BACKLOG.labels("deliveries", "new")._value.get() == 3
    assert (await backlog.state(gateway.pool, meta.NUMBER_ID))["age"] > 0
    async with gateway.pool.acquire() as connection:
        ids = await connection.fetchval("select array_agg(id) from whatsapp.deliveries")
        shown = await deliveries.select(connection, Filters(ids=ids))
        assert [row["state"] for row in shown] == ["new", "new", "new"]
        await gateway.ingest()
        assert {row["state"] for row in await deliveries.select(connection, Filters(ids=ids))} == {"split"}


async def test_what_waits_is_kept_however_long_and_names_as_long_as_a_delivery(gateway: Gateway) -> None:
    await keep_together(gateway.pool, 1)
    await gateway.ingest()
    await keep_together(gateway.pool, 2)
    await gateway.pool.execute("update whatsapp.deliveries set received_at = now() - interval '31 days'")
    await gateway.pool.execute("update whatsapp.delivery_names set ingested_at = now() - interval '31 days'")
    names = "select count(*) from whatsapp.delivery_names"
    await gateway.pool.execute("update whatsapp.deliveries set state = 'quarantined' where id = 1")
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval(names) == 1
    await gateway.pool.execute("update whatsapp.deliveries set state = 'split'")
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval(names) == 0
    assert await states(gateway.pool) == ["split"]
    await gateway.ingest()
    assert await words(gateway.pool) == ["1", "2"]


async def test_who_leaves_takes_their_deliveries_only_and_none_that_waits(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"))
    await gateway.keep(meta.text(OTHER, body="another's"))
    await gateway.ingest()
    await gateway.keep(meta.text(body="waits"), meta.text(OTHER, body="waits, too"))
    await delete_account(database, person)
    left = await gateway.pool.fetch("select body from whatsapp.deliveries order by id")
    assert [(b"another's" in row["body"], b"waits, too" in row["body"]) for row in left] == [
        (True, False), (False, True)
    ]  # fmt: skip
    await gateway.ingest()
    assert await words(gateway.pool) == ["another's", "waits", "waits, too"]


async def test_nothing_is_left_of_what_the_deliveries_of_an_account_named(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    """A hash of a number is as good as the number: there are few enough to try them all."""
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"), meta.text(OTHER, body="another's"))
    await gateway.ingest()
    named = "select id from whatsapp.delivery_names where name_hashes && whatsapp.name_hashes($1)"
    assert await gateway.pool.fetch(named, [PHONE]) != []
    await delete_account(database, person)
    assert await gateway.pool.fetch(named, [PHONE]) == []
    assert await gateway.pool.fetch(named, [OTHER]) != []
