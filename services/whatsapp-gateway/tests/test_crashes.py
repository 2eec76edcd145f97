"""A process killed between any two steps: nothing is lost, nothing is doubled, the order stays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import FakePeers, Hang
from .waiting import until_blocked

STEPS = ["tokens", "avatar", "messages", "graph"]


async def killed_at(gateway: Gateway, peers: FakePeers, place: str, *, skip: int = 0) -> None:
    """Work until a peer is reached, then stop without any cleanup, as by kill -9."""
    await gateway.ingest()
    claimed = await gateway.claim(1)
    task = asyncio.create_task(gateway.run(claimed[0]))
    for _ in range(skip + 1):
        await asyncio.wait_for(peers.reached[place].wait(), 60)
        peers.reached[place].clear()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_call(
    gateways: StartGateway, peers: FakePeers, linked: LinkNumber, step: str, when: str
) -> None:
    person = await linked("+4915112345678")
    first, second = await gateways(lease_seconds=0.3), await gateways(lease_seconds=1.0)
    await first.keep(meta.text(body="one"), meta.text(body="two"))
    getattr(peers, when)[step].append(Hang())
    await killed_at(first, peers, f"{when} {step}")
    await second.drain()
    reached_phone = step == "graph" and when == "before"  # taken off the wire, and never accepted
    answered = ["two"] if reached_phone else ["one", "two"]
    assert peers.phones["4915112345678"] == answered
    if step == "graph" and when == "after":
        await second.keep(meta.status(peers.sent[0]))
        await second.drain()
    assert [text for role, text in peers.turns(person) if role == "user"] == ["one", "two"]
    assert sorted(text for role, text in peers.turns(person) if role == "assistant") == answered
    states = [state for _, state in await second.states()]
    assert states == (["awaiting", "done"] if reached_phone else ["done", "done"])


@pytest.mark.parametrize("statement", ["prepare", "begin_send", "accepted", "finish", "release"])
async def test_killed_during_a_write_to_the_database(
    gateways: StartGateway, peers: FakePeers, linked: LinkNumber, database: Database, statement: str
) -> None:
    """The statement hangs on a lock and the process dies with it, before or after PostgreSQL did its work."""
    person = await linked("+4915112345678")
    first, second = await gateways(lease_seconds=0.3), await gateways(lease_seconds=1.0)
    await first.keep(meta.text(body="one"), meta.text(body="two"))
    async with _locked(database, statement):
        await first.ingest()
        claimed = await first.claim(1, 0.3)
        task = asyncio.create_task(first.run(claimed[0]))
        await until_blocked(database)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await second.drain()
    for send in list(peers.sent):
        await second.keep(meta.status(send))
    await second.drain()
    assert peers.phones["4915112345678"] == ["one", "two"]
    assert sorted(peers.turns(person)) == [
        ("assistant", "one"),
        ("assistant", "two"),
        ("user", "one"),
        ("user", "two"),
    ]
    assert [state for _, state in await second.states()] == ["done", "done"]


_STATEMENTS = {
    "prepare": "insert on whatsapp.outbox for each row",
    "begin_send": "update on whatsapp.contacts for each row when (new.next_send_at > old.next_send_at)",
    "accepted": "update on whatsapp.outbox for each row when (new.state = 'accepted')",
    "finish": "update on whatsapp.events for each row when (new.state = 'done')",
    "release": "delete on whatsapp.lanes for each row",
    "ingest": "insert on whatsapp.lanes for each row",
}


@asynccontextmanager
async def _locked(database: Database, statement: str) -> AsyncIterator[None]:
    """Make this statement wait for a lock that the test holds until the end of the block."""
    body = "begin perform pg_advisory_xact_lock(1); return coalesce(new, old); end"
    holder = await asyncpg.connect(database.url("supabase_admin"))
    try:
        await holder.execute("select pg_advisory_lock(1)")
        await database.admin(
            f"""do $do$ begin
              create function whatsapp.wait() returns trigger language plpgsql as $$ {body} $$;
              grant execute on function whatsapp.wait() to public;
              create trigger wait before {_STATEMENTS[statement]} execute function whatsapp.wait();
            end $do$"""
        )
        yield
    finally:
        await holder.close()
    await database.admin("drop function whatsapp.wait() cascade")


async def test_ingest_is_killed_and_done_again(
    gateways: StartGateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    """Ingest is one transaction, all or nothing, and a wamid is one row however often it runs."""
    await linked("+4915112345678")
    first, second = await gateways(), await gateways()
    await first.keep(meta.text(body="one"), meta.text(body="two"))
    async with _locked(database, "ingest"):
        task = asyncio.create_task(first.ingest())
        await until_blocked(database)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await second.drain()
    assert peers.phones["4915112345678"] == ["one", "two"]


async def test_a_worker_that_was_only_suspended_writes_nothing_after_its_lease(
    gateways: StartGateway, peers: FakePeers, linked: LinkNumber
) -> None:
    """It wakes after another one took over: its token no longer fits, and it makes no call."""
    await linked("+4915112345678")
    first, second = await gateways(lease_seconds=0.2), await gateways()
    await first.keep(meta.text(body="one"), meta.text(body="two"))
    await first.ingest()
    (suspended,) = await first.claim(1, 0.2)
    await asyncio.sleep(0.3)
    await second.drain()
    await first.run(suspended)
    assert peers.phones["4915112345678"] == ["one", "two"]
    assert peers.calls.count("graph") == 2


async def test_two_workers_share_a_queue_and_each_person_keeps_their_order(
    gateways: StartGateway, peers: FakePeers, linked: LinkNumber
) -> None:
    people = [f"49151{n:08}" for n in range(12)]
    for phone in people:
        await linked(f"+{phone}")
    first, second = await gateways(), await gateways()
    for n in range(5):
        await first.keep(*(meta.text(sender=phone, body=f"{n}") for phone in people))

    async def work(gateway: Gateway) -> None:
        for _ in range(40):
            await gateway.ingest()
            for lane in await gateway.claim(2, 5):
                await gateway.run(lane)

    await asyncio.gather(*(work(one) for one in (first, second) for _ in range(2)))
    await first.drain()
    assert dict(peers.phones) == {phone: ["0", "1", "2", "3", "4"] for phone in people}
    assert len(peers.log) == 2 * 5 * 12
