"""Benchmark: taking lanes from the queue, behind a huge backlog and by several processes at once."""

import asyncio
import itertools
import statistics
import time
from contextlib import AsyncExitStack
from typing import Any

from ava_common.database import Pool, open_pool
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.queue import lanes
from bench.benchmark_setup import BenchmarkSetup
from bench.results import Found, Table, at_most, shown
from bench.size import Size

LEASE_SECONDS = 300.0
CLAIMERS = (1, 2, 4)
_CONTACTS = """
insert into whatsapp.contacts (wa_digits) 
select (4915110000000 + n)::text from generate_series(1, $1::integer) as n
"""
_EVENTS = """
insert into whatsapp.events (key, contact_id, kind, state, turn_id, words, sent_at, received_at, item)
select 'wamid.' || c.id || '.' || n, c.id, 'text', 'ready', gen_random_uuid(), 'hello',
  now() - n * interval '1 second', now(), '{}'
from whatsapp.contacts as c, generate_series(1, $1::integer) as n where c.wa_digits = $2
"""
_LANES = "insert into whatsapp.lanes (contact_id) select id from whatsapp.contacts"
_DUE = "update whatsapp.lanes set due_at = now() - interval '1 second', token = null"
_ANALYZE = "vacuum (analyze) whatsapp.events, whatsapp.lanes, whatsapp.contacts"


async def measure(setup: BenchmarkSetup, size: Size) -> Found:
    """A claim takes the lane of another person, too, and the first events of both."""
    empty, full = await setup.database("empty_queue"), await setup.database("full_queue")
    await _queued(empty, {1: 1})
    await _queued(full, {1: 1, 2: size.backlog})
    async with AsyncExitStack() as entered:
        pools = [await entered.enter_async_context(_pool(one)) for one in (empty, full)]
        taken = [[await _claimed(pool) for pool in pools] for _ in range(size.claims)]
    ratios = [behind / alone for alone, behind in taken]
    many = await setup.database("many_lanes")
    await _queued(many, dict.fromkeys(range(1, size.lanes + 1), 1))
    rows = [await _shared(many, number) for number in CLAIMERS]
    alone, behind = (statistics.median(column) * 1000 for column in zip(*taken, strict=True))
    return Found(
        [
            at_most(f"claim behind {size.backlog:,} of one person ÷ empty queue", 2, [behind / alone]),
            shown("the same, claim by claim", ratios),
            shown(
                f"claims a second, {CLAIMERS[-1]} gateways ÷ one",
                [rows[-1]["per_second"] / rows[0]["per_second"]],
            ),
        ],
        [
            Table("A claim, ms", [{"name": "median", "empty": round(alone, 2), "behind": round(behind, 2)}]),
            Table("Gateways that claim from one queue, a lane at a time", rows),
        ],
    )


def _pool(database: Database) -> Any:
    return open_pool(database.url("ava_whatsapp_gateway"), name="bench", size=1, may_become=("service_role",))


async def _queued(database: Database, events: dict[int, int]) -> None:
    """Contacts with so many ready events each, all due."""
    await database.admin(_CONTACTS, len(events))
    if set(events.values()) == {1}:
        await database.admin(_EVENTS.replace("c.wa_digits = $2", "$2 = ''"), 1, "")
    else:
        for number, count in events.items():
            await database.admin(_EVENTS, count, str(4915110000000 + number))
    await database.admin(_LANES)
    await database.admin(_DUE)
    await database.admin(_ANALYZE)


async def _claimed(pool: Pool) -> float:
    """Seconds of one claim of everything that is due; afterwards it is due again."""
    began = time.perf_counter()
    found = await lanes.claim(pool, 16, LEASE_SECONDS)
    seconds = time.perf_counter() - began
    assert found
    assert all(lane.events for lane in found)
    await pool.execute(_DUE)
    return seconds


async def _shared(database: Database, number: int) -> dict[str, Any]:
    """So many processes, each with a connection of its own, take lanes one by one until none is due."""
    await database.admin(_DUE)
    await database.admin("vacuum whatsapp.lanes")

    async def take_all(pool: Pool) -> list[int]:
        taken: list[int] = []
        while found := await lanes.claim(pool, 1, LEASE_SECONDS):
            taken += [lane.contact for lane in found]
        return taken

    async with AsyncExitStack() as entered:
        pools = [await entered.enter_async_context(_pool(database)) for _ in range(number)]
        began = time.perf_counter()
        each = await asyncio.gather(*(take_all(pool) for pool in pools))
        seconds = time.perf_counter() - began
    taken = [*itertools.chain.from_iterable(each)]
    twice = len(taken) - len(set(taken))
    return {"name": f"{number} at once", "per_second": round(len(taken) / seconds), "taken_twice": twice}
