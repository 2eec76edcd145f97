"""A call that was never made is not unknown: the process that knows it says so, as soon as it can."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest_asyncio

from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front

from . import meta_payloads as meta
from .conftest import Gateway, StartGateway
from .fake_peers import FakePeers
from .waiting import until_blocked

PHONE = "4915112345678"


@pytest_asyncio.fixture(loop_scope="session")
async def behind_front(gateways: StartGateway, database: Database, front: Front) -> Gateway:
    return await gateways(database_url=front.url(database.url("ava_whatsapp_gateway")), lease_seconds=1.0)


@asynccontextmanager
async def held_back(database: Database) -> AsyncIterator[None]:
    """The word before a call is committed only at the end of the block."""
    holder = await asyncpg.connect(database.url("supabase_admin"))
    await holder.execute("select pg_advisory_lock(1)")
    await database.admin(
        """do $do$ begin
          create function whatsapp.wait() returns trigger language plpgsql as $$ begin
            perform pg_advisory_xact_lock(1); return new; end $$;
          grant execute on function whatsapp.wait() to public;
          create trigger wait before insert or update on whatsapp.outbox
            for each row when (new.state = 'sending') execute function whatsapp.wait();
        end $do$"""
    )
    try:
        yield
    finally:
        await holder.close()
    await database.admin("drop function whatsapp.wait() cascade")


async def test_who_lost_the_database_before_a_call_says_that_there_was_none(
    behind_front: Gateway, front: Front, peers: FakePeers, person: UUID, database: Database
) -> None:
    await behind_front.keep(meta.text(body="one"), meta.text(body="two"))
    async with held_back(database):
        working = asyncio.create_task(behind_front.round())
        await until_blocked(database)
        front.refuse = "XX000"
        front.cut()  # the word is committed all the same, and its answer is lost
    assert [row[0] for row in await database.admin("select state from whatsapp.outbox")] == ["sending"]
    front.refuse = None
    await working
    await behind_front.drain()
    assert peers.phones[PHONE] == ["one", "two"]
    assert [state for _, state in await behind_front.states()] == ["done", "done"]
    assert peers.calls.count("graph") == 2


async def test_another_worker_waits_a_lease_for_what_the_first_one_has_to_say(
    behind_front: Gateway, gateway: Gateway, front: Front, peers: FakePeers, person: UUID, database: Database
) -> None:
    """The first one says it after its lease, and before the second lease is over: the order is kept."""
    await behind_front.keep(meta.text(body="one"), meta.text(body="two"))
    async with held_back(database):
        working = asyncio.create_task(behind_front.round())
        await until_blocked(database)
        front.refuse = "53400"
        front.cut()
    await asyncio.sleep(1.2)
    assert await gateway.round() == 1
    waits = await database.admin("select waits_for from whatsapp.lanes")
    assert [row[0] for row in waits] == ["interrupted"]
    assert peers.calls.count("graph") == 0
    front.refuse = None
    await working
    await database.admin("update whatsapp.lanes set due_at = now()")
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "two"]
    assert [state for _, state in await gateway.states()] == ["done", "done"]


async def test_what_another_worker_has_begun_since_is_not_taken_back(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    """The same number of attempts under another fence is another worker's call."""
    first, second = await gateways(lease_seconds=0.2), await gateways()
    await first.keep(meta.text(body="one"))
    await first.ingest()
    (lane,) = await first.claim(1, 0.2)
    await asyncio.sleep(0.3)
    released = asyncio.Event()
    peers.before["graph"].append(released.wait)
    working = asyncio.create_task(second.round())
    await asyncio.wait_for(peers.reached["before graph"].wait(), 60)
    send_id = await first.pool.fetchval("select id from whatsapp.outbox")
    took_back = await first.pool.fetchval(
        "select whatsapp.not_called($1, $2, $3, 1)", lane.contact, lane.token, send_id
    )
    assert took_back is False
    released.set()
    await working
    assert peers.phones[PHONE] == ["one"]


async def test_a_worker_that_stood_still_between_the_word_and_the_call_does_not_call(
    gateways: StartGateway, peers: FakePeers, person: UUID, database: Database
) -> None:
    """As SIGSTOP does beyond the lease: the send is ready again, and is sent once."""
    slow, other = await gateways(lease_seconds=0.3), await gateways(lease_seconds=5.0)
    await slow.keep(meta.text(body="one"))
    async with held_back(database):
        working = asyncio.create_task(slow.round())
        await until_blocked(database)
        await asyncio.sleep(0.5)  # the lease counts from when the word was asked for
    await working
    assert peers.calls.count("graph") == 0
    states = await database.admin("select state, error from whatsapp.outbox")
    assert [tuple(row) for row in states] == [("ready", "the lease was over before the call")]
    await other.drain()
    assert peers.phones[PHONE] == ["one"]
