"""Kill it between any two steps: nothing is lost, nothing is doubled, the order stays."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest

from ava_whatsapp_gateway import lanes
from ava_whatsapp_gateway.walk import walk

STEPS = ["tokens", "avatar", "messages", "graph"]


async def killed_at(gateway, house, place, *, skip=0):
    """Work until a peer is reached, then vanish without a word, as by kill -9."""
    await gateway.split()
    claimed = await lanes.claim(gateway.pool, 1, gateway.means.settings.lease)
    task = asyncio.create_task(walk(gateway.means, gateway.peers[0], claimed[0], asyncio.Event()))
    for _ in range(skip + 1):
        await asyncio.wait_for(house.reached[place].wait(), 60)
        house.reached[place].clear()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_call(gateways, house, linked, meta, misbehaviour, step, when):
    person = await linked("+4915112345678")
    first, second = await gateways(lease=0.3), await gateways()
    await first.deliver(meta.text(body="one"), meta.text(body="two"))
    getattr(house, when)[step].append(misbehaviour["hang"]())
    await killed_at(first, house, f"{when} {step}")
    await second.drain()
    reached_phone = step == "graph" and when == "before"  # taken off the wire, and never accepted
    answered = ["two"] if reached_phone else ["one", "two"]
    assert house.phones["4915112345678"] == answered
    if step == "graph" and when == "after":
        await second.deliver(meta.status(house.sent[0]))
        await second.drain()
    assert [text for role, text in house.turns(person) if role == "user"] == ["one", "two"]
    assert sorted(text for role, text in house.turns(person) if role == "assistant") == answered
    states = [state for _, state in await second.states()]
    assert states == (["awaiting", "done"] if reached_phone else ["done", "done"])


@pytest.mark.parametrize("statement", ["prepare", "begin_send", "accepted", "finish", "release"])
async def test_killed_while_the_database_is_written(
    gateways, house, linked, meta, database, blocked, statement
):
    """The statement hangs on a lock and the process dies with it, before or after PostgreSQL did its work."""
    person = await linked("+4915112345678")
    first, second = await gateways(lease=0.3), await gateways()
    await first.deliver(meta.text(body="one"), meta.text(body="two"))
    async with _stuck(database, statement):
        await first.split()
        claimed = await lanes.claim(first.pool, 1, 0.3)
        task = asyncio.create_task(walk(first.means, first.peers[0], claimed[0], asyncio.Event()))
        await blocked()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await second.drain()
    for letter in list(house.sent):
        await second.deliver(meta.status(letter))
    await second.drain()
    assert house.phones["4915112345678"] == ["one", "two"]
    assert sorted(house.turns(person)) == [
        ("assistant", "one"),
        ("assistant", "two"),
        ("user", "one"),
        ("user", "two"),
    ]
    assert [state for _, state in await second.states()] == ["done", "done"]


_WHERE = {
    "prepare": "insert on whatsapp.outbox for each row",
    "begin_send": "update on whatsapp.outbox for each row when (new.state = 'sending')",
    "accepted": "update on whatsapp.outbox for each row when (new.state = 'accepted')",
    "finish": "update on whatsapp.events for each row when (new.state = 'done')",
    "release": "delete on whatsapp.lanes for each row",
    "split": "insert on whatsapp.lanes for each row",
}


@asynccontextmanager
async def _stuck(database, statement):
    """Inside, whoever executes this statement waits for a lock that the test holds."""
    where = _WHERE[statement]
    body = "begin perform pg_advisory_xact_lock(1); return coalesce(new, old); end"
    holder = await asyncpg.connect(database.url("supabase_admin"))
    await holder.execute("select pg_advisory_lock(1)")
    await database.admin(
        f"""do $do$ begin
          create function whatsapp.stuck() returns trigger language plpgsql as $$ {body} $$;
          grant execute on function whatsapp.stuck() to public;
          create trigger stuck before {where} execute function whatsapp.stuck();
        end $do$"""
    )
    yield
    await holder.close()
    await database.admin("drop function whatsapp.stuck() cascade")


async def test_the_split_is_killed_and_done_again(gateways, house, linked, meta, database, blocked):
    """The splitter's transaction is all or nothing, and wamids are one row however often it runs."""
    await linked("+4915112345678")
    first, second = await gateways(), await gateways()
    await first.deliver(meta.text(body="one"), meta.text(body="two"))
    async with _stuck(database, "split"):
        task = asyncio.create_task(first.split())
        await blocked()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await second.drain()
    assert house.phones["4915112345678"] == ["one", "two"]


async def test_a_worker_that_was_only_asleep_writes_nothing_after_its_lease(gateways, house, linked, meta):
    """It wakes after another one took over: its token no longer fits, and it makes no call."""
    await linked("+4915112345678")
    first, second = await gateways(lease=0.2), await gateways()
    await first.deliver(meta.text(body="one"), meta.text(body="two"))
    await first.split()
    (asleep,) = await lanes.claim(first.pool, 1, 0.2)
    await asyncio.sleep(0.3)
    await second.drain()
    await walk(first.means, first.peers[0], asleep, asyncio.Event())
    assert house.phones["4915112345678"] == ["one", "two"]
    assert house.calls.count("graph") == 2


async def test_two_workers_share_a_queue_and_each_person_keeps_their_order(gateways, house, linked, meta):
    people = [f"49151{n:08}" for n in range(12)]
    for phone in people:
        await linked(f"+{phone}")
    first, second = await gateways(), await gateways()
    for n in range(5):
        await first.deliver(*(meta.text(sender=phone, body=f"{n}") for phone in people))

    async def work(gateway, peers):
        for _ in range(40):
            await gateway.split()
            for lane in await lanes.claim(gateway.pool, 2, 5):
                await walk(gateway.means, peers, lane, asyncio.Event())

    await asyncio.gather(*(work(one, peers) for one in (first, second) for peers in one.peers[:2]))
    await first.drain()
    assert dict(house.phones) == {phone: ["0", "1", "2", "3", "4"] for phone in people}
    assert len(house.log) == 2 * 5 * 12
