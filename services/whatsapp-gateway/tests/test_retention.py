"""Retention: what is deleted after its time, what is kept, and what is shown of it."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from ava_local.postgres.cluster import SUPERUSER
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.metrics import KEPT_AGE, KEPT_LIMIT, RETENTION_DELETED
from ava_whatsapp_gateway.queue import retention
from ava_whatsapp_gateway.queue.states import EventState

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import FakePeers
from .state_watch import put_event
from .waiting import until_blocked

PHONE = "4915112345678"


async def test_what_is_held_too_long_is_deleted_with_its_sender(
    gateways: StartGateway, peers: FakePeers
) -> None:
    gateway = await gateways(held_days=0.5)
    await gateway.keep(meta.text())
    await gateway.drain()
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert len(await gateway.states()) == 1
    await _age(gateway, "events", "received_at", "1 day")
    await _age(gateway, "contacts", "first_seen_at", "1 day")
    for _ in range(2):
        await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.states() == []
    assert await gateway.pool.fetchval("select count(*) from whatsapp.contacts") == 0


async def test_what_a_forgotten_sender_says_at_that_moment_is_kept(
    gateways: StartGateway, peers: FakePeers, database: Database
) -> None:
    """A contact that nobody linked is old enough to be deleted, and its next message is being ingested."""
    gateway = await gateways(held_days=0.5)
    await gateway.pool.execute("insert into whatsapp.contacts (wa_digits) values ($1)", PHONE)
    await _age(gateway, "contacts", "first_seen_at", "1 day")
    await gateway.keep(meta.text(body="I am back"))
    holder = await asyncpg.connect(database.url(SUPERUSER))
    try:
        await holder.execute("select pg_advisory_lock(1)")
        await database.admin(
            "do $do$ begin"
            " create function whatsapp.wait() returns trigger language plpgsql as"
            " $$ begin perform pg_advisory_xact_lock(1); return new; end $$;"
            " grant execute on function whatsapp.wait() to public;"
            " create trigger wait after insert on whatsapp.events"
            " for each row execute function whatsapp.wait();"
            " end $do$"
        )
        ingesting = asyncio.create_task(gateway.ingest())
        await until_blocked(database)
        deleting = asyncio.create_task(retention.apply_retention(gateway.pool, gateway.settings))
        await asyncio.wait([deleting], timeout=0.5)
    finally:
        await holder.close()
    await asyncio.gather(ingesting, deleting)
    assert [state for _, state in await gateway.states()] == ["ready"]


async def test_raw_deliveries_and_done_events_are_deleted_in_time_and_dead_events_later(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    peers.before["graph!"].append((400, {"error": {"code": 131026}}))
    await gateway.keep(meta.text(body="dead"), meta.text(body="done"))
    await gateway.keep(raw=b"broken")
    await gateway.drain()
    await _age(gateway, "deliveries", "received_at", "31 days")
    await _age(gateway, "events", "changed_at", "31 days")
    await retention.apply_retention(gateway.pool, gateway.settings)
    left = await gateway.pool.fetch("select state from whatsapp.deliveries")
    assert [row["state"] for row in left] == ["quarantined"]
    assert [state for _, state in await gateway.states()] == ["dead"]
    await _age(gateway, "deliveries", "received_at", "60 days")
    await _age(gateway, "events", "changed_at", "60 days")
    await retention.apply_retention(gateway.pool, gateway.settings)
    # The broken delivery is kept still: no operator has looked at it.
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") == 1
    await gateway.pool.execute("update whatsapp.deliveries set seen_at = received_at")
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") == 0
    assert await gateway.states() == []


@pytest.mark.parametrize("state", EventState)
async def test_an_event_of_every_state_is_deleted_in_the_end_unless_it_is_being_worked_on(
    gateway: Gateway, database: Database, state: EventState
) -> None:
    await put_event(database, state)  # 100 days ago
    await retention.apply_retention(gateway.pool, gateway.settings)
    left = await gateway.pool.fetchval("select count(*) from whatsapp.events")
    assert left == (1 if state in (EventState.READY, EventState.AWAITING) else 0)


async def test_the_oldest_row_of_each_kind_its_limit_and_what_was_deleted_are_shown(
    gateway: Gateway, database: Database
) -> None:
    for state in EventState:
        await put_event(database, state)
    await gateway.keep(raw=b"broken")
    deleted = RETENTION_DELETED.labels("discarded")._value.get()
    await retention.set_gauges(gateway.pool, gateway.settings)
    hundred_days, day = timedelta(days=100).total_seconds(), timedelta(days=1).total_seconds()
    for kind in ("held", "done", "discarded", "undecided"):
        assert hundred_days < KEPT_AGE.labels(kind)._value.get() < hundred_days + day
    assert KEPT_LIMIT.labels("undecided")._value.get() == 90 * day
    await retention.apply_retention(gateway.pool, gateway.settings)
    await retention.set_gauges(gateway.pool, gateway.settings)
    assert RETENTION_DELETED.labels("discarded")._value.get() == deleted + 1
    assert KEPT_AGE.labels("discarded")._value.get() == 0


async def test_every_table_of_the_gateway_has_a_limit_or_goes_with_a_row_that_has_one(
    database: Database,
) -> None:
    limited = {kept.table for kept in retention.KEPT}
    rows = await database.admin(
        "select t.relname as name, r.relname as goes_with from pg_class as t"
        " left join pg_constraint as c on c.conrelid = t.oid and c.contype = 'f' and c.confdeltype = 'c'"
        " left join pg_class as r on r.oid = c.confrelid"
        " where t.relkind = 'r' and t.relnamespace = 'whatsapp'::regnamespace"
    )
    goes_with = {(row["name"], row["goes_with"]) for row in rows}
    tables = {name for name, _ in goes_with}
    for _ in tables:  # what goes with a row that goes with another one has its limit, too
        limited |= {name for name, other in goes_with if other in limited}
    # Our own number's row: of no person. And what waits to be read, which is not kept.
    assert tables - limited == {"numbers", "arrivals"}


async def _age(gateway: Gateway, table: str, column: str, by: str) -> None:
    await gateway.pool.execute(f"update whatsapp.{table} set {column} = {column} - interval '{by}'")  # noqa: S608


async def test_a_delivery_is_kept_while_an_update_of_it_waits_to_be_read(gateway: Gateway) -> None:
    await gateway.keep({"type": "text"}, meta.text())
    await gateway.keep(meta.text())
    await gateway.ingest()
    await _age(gateway, "deliveries", "received_at", "31 days")
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") == 1
    await retention.set_gauges(gateway.pool, gateway.settings)
    assert KEPT_AGE.labels("deliveries")._value.get() == 0  # it is not late
    await _age(gateway, "events", "changed_at", "91 days")
    for _ in range(2):
        await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") == 0


async def test_a_delivery_from_when_the_clock_was_ahead_keeps_no_others(
    gateway: Gateway, database: Database
) -> None:
    await gateway.keep(raw=b"ahead")
    await gateway.keep(raw=b"old")
    await database.admin("delete from whatsapp.arrivals")
    await database.admin(
        "update whatsapp.deliveries set names = '{}',"
        " received_at = now() + case body when 'ahead' then interval '1 year' else interval '-31 days' end"
    )
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval("select array_agg(body) from whatsapp.deliveries") == [b"ahead"]
