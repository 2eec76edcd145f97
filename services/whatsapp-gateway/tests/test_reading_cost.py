"""What the gateway reads does not grow with what is kept or waits, whenever its plans were made.

Decisions 0168, 0170 and 0177.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest

from ava_common.database import Pool, open_pool
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.queue import foreign_number, lanes, maintenance, retention
from ava_whatsapp_gateway.queue.exceptions import LaneChanged, Release
from ava_whatsapp_gateway.queue.group_commit import GroupCommit
from ava_whatsapp_gateway.queue.states import EventState

from . import meta_payloads as meta
from .conftest import Gateway, Operate
from .fake_peers import FakePeers

KEPT, MANY = 20_000, 200
_READ = """
select relname, (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as n
from pg_stat_user_tables where schemaname = 'whatsapp'
"""
_FILL = (
    # Statistics come when a test asks for them, also where autovacuum has the time.
    "alter table whatsapp.events set (autovacuum_enabled = off)",
    "alter table whatsapp.events disable trigger user",
    "alter table whatsapp.outbox disable trigger user",
    "insert into whatsapp.contacts (wa_digits, user_id) select 490000000 + n, $2 from {kept}",
    # They wait for their lease or their turn to end.
    "insert into whatsapp.lanes (contact_id, due_at)"
    " select id, now() + interval '1 hour' from whatsapp.contacts",
    "insert into whatsapp.deliveries (id, digest, body, state, names) overriding system value"
    " select n, sha256(n::text::bytea), '', 'split', '{{}}' from {kept}",
    "insert into whatsapp.delivery_names (delivery_ids, name_hashes)"
    " select array[n, n], array[n, -n] from {kept}",
    "insert into whatsapp.events (id, key, delivery_id, contact_id, kind, state, sent_at, received_at, item)"
    " overriding system value select n, n, n, (select min(id) from whatsapp.contacts), 'text', 'done',"
    " now(), now(), '' from {kept}",
    "insert into whatsapp.outbox (id, event_id, contact_id, part, body, state, wamid)"
    " select gen_random_uuid(), id, contact_id, 0, '', 'accepted', key from whatsapp.events",
    "insert into whatsapp.statuses (wamid, status, rank, at, applied)"
    " select n, 'read', 3, now(), true from {kept}",
    "alter table whatsapp.events enable trigger user",
    "alter table whatsapp.outbox enable trigger user",
)


async def test_a_round_reads_no_more_when_more_is_kept(gateway: Gateway, database: Database) -> None:
    """With plans from when there was nothing and without statistics, and with new ones."""
    url, may_become = database.url("ava_whatsapp_gateway"), ("service_role",)
    async with open_pool(url, name="round", size=1, may_become=may_become) as pool:
        await a_round(gateway, pool)
        await fill(database)
        await a_round(gateway, pool)  # the first reads what is dead in the indexes
        assert await read_by(gateway, database, pool) == {}
        await database.admin("vacuum analyze")
        assert await read_by(gateway, database, pool) == {}


@pytest.mark.parametrize(
    "question",
    [
        *("list --event 17", "list --wamid 17", "list --state dead", "show --event 17", "trace event:17"),
        *("trace 17", "discard --event 17 --dry-run", "replay --event 17 --dry-run", "list --deliveries"),
    ],
)
async def test_an_operators_question_reads_what_it_is_about(
    database: Database, operator: Operate, question: str
) -> None:
    """Each of its filters is optional, so the CLI's statements are planned for those that are given."""
    await fill(database)
    await database.admin("vacuum analyze")
    before = await reads(database)
    operator(*question.split())
    assert many(await reads(database) - before) == {}


async def test_readiness_reads_no_more_when_others_numbers_are_written_to(
    gateway: Gateway, database: Database
) -> None:
    """Whether something was for us within a day, where all that is kept is older."""
    await fill(database)
    await database.admin("update whatsapp.events set changed_at = now() - interval '2 days'")
    await database.admin(
        "insert into whatsapp.events (id, key, kind, state, reason, names, sent_at, received_at, item)"
        " overriding system value values"
        " (1000000, 'theirs', 'text', 'ignored', 'for another phone number id: 2', '{}', now(), now(), '')"
    )
    for statistics in ("select", "vacuum analyze"):
        await database.admin(statistics)
        before = await reads(database)
        assert await foreign_number.foreign_number_only(gateway.pool, "1")
        await database.admin("select pg_stat_force_next_flush()")
        await gateway.pool.execute("select pg_stat_force_next_flush()")
        assert many(await reads(database) - before) == {}


async def test_retention_reads_no_more_when_more_is_due(gateway: Gateway, database: Database) -> None:
    """As when the time that deliveries are kept for was made shorter."""
    await fill(database)
    await database.admin("update whatsapp.deliveries set received_at = now() - interval '31 days'")
    await database.admin("vacuum")
    before = await reads(database)
    await retention.apply_retention(gateway.pool, gateway.settings)
    await gateway.pool.execute("select pg_stat_force_next_flush()")
    assert (await reads(database) - before)["deliveries"] < KEPT
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries") < KEPT


async def fill(database: Database) -> None:
    user = await database.person()
    for statement in _FILL:
        rows = statement.format(kept="generate_series(1, $1::integer) as n")
        await database.admin(rows, *[KEPT, user][: "$1" in rows] + [user][: "$2" in rows])


async def reads(database: Database) -> Counter[str]:
    return Counter({row["relname"]: row["n"] for row in await database.admin(_READ)})


def many(read: Counter[str]) -> dict[str, int]:
    return {name: rows for name, rows in read.items() if rows > MANY}


async def read_by(gateway: Gateway, database: Database, pool: Pool) -> dict[str, int]:
    """Rows that one more round reads of each table, where they are many."""
    before = await reads(database)
    await a_round(gateway, pool)
    return many(await reads(database) - before)


async def a_round(gateway: Gateway, pool: Pool) -> None:
    """What every gateway does again and again."""
    await maintenance.run(pool, gateway.settings)
    assert await lanes.claim(pool, 8, 1.0) == []
    await lanes.probe_waiting(pool)
    await pool.execute("select pg_stat_force_next_flush()")


_MORE = """
do $$ begin
set local session_replication_role = replica;
insert into whatsapp.contacts (id, wa_digits, user_id) overriding system value
select n, 490000000 + n, gen_random_uuid() from generate_series(1000, 20000) as n;
insert into whatsapp.senders (user_id, contact_id) select user_id, id from whatsapp.contacts where id >= 1000;
insert into whatsapp.lanes (contact_id, due_at)
select id, now() + interval '1 hour' from whatsapp.contacts where id >= 1000;
insert into whatsapp.deliveries (id, digest, body, state, name_hashes) overriding system value
select n, sha256(n::text::bytea), '', 'split', array[n] from generate_series(1000, 20000) as n;
insert into whatsapp.delivery_names (delivery_ids, name_hashes)
select array[n], array[n] from generate_series(1000, 20000) as n;
insert into whatsapp.events (id, key, delivery_id, contact_id, kind, state, sent_at, received_at, item)
overriding system value
select n, n, n, n % 2 * (n - 1) + 1, 'text', 'done', now(), now(), '' from generate_series(1000, 20000) as n;
insert into whatsapp.outbox (id, event_id, contact_id, part, body, state, wamid)
select gen_random_uuid(), n, n % 2 * (n - 1) + 1, 0, '', 'accepted', n from generate_series(1000, 20000) as n;
insert into whatsapp.statuses (wamid, status, rank, at, applied)
select n, 'read', 4, now(), true from generate_series(1000, 20000) as n;
end $$
"""


@pytest.mark.parametrize("before", [1, 30])
async def test_a_message_reads_no_more_when_more_is_kept(
    gateway: Gateway, database: Database, peers: FakePeers, person: UUID, before: int
) -> None:
    """With plans from when there was little; what is added changes no table, so that they are kept."""
    for _ in range(before):
        await a_message(gateway, peers)
    await database.admin(_MORE)
    await a_message(gateway, peers)  # the first reads what is dead in the indexes
    read = await reads(database)
    await a_message(gateway, peers)
    assert many(await reads(database) - read) == {}
    assert len(peers.sent) == before + 2


async def a_message(gateway: Gateway, peers: FakePeers) -> None:
    """From its delivery to what Meta tells of the answer."""
    await gateway.keep(meta.text())
    await gateway.ingest()
    for lane in await gateway.claim():
        await gateway.run(lane)
    for name in ("sent", "delivered", "read"):
        await gateway.keep(meta.status(peers.sent[-1], name))
        await gateway.ingest()
    await asyncio.gather(*(
        gateway.pool.execute("select pg_stat_force_next_flush() from pg_sleep(0.05)") for _ in range(6)
    ))  # fmt: skip


_SAID = (
    "insert into whatsapp.events (key, contact_id, kind, state, sent_at, received_at, item)"
    " select n, {contact}, 'text', '{state}', now(), now(), '' from generate_series(1, {count}) as n"
)
STATISTICS = {
    "none": None,
    "of nothing": "select",
    "of one contact's first messages": _SAID.format(contact=1, state="ready", count=3),
    "of a few contacts that wait": _SAID.format(contact="n", state="ready", count=20),
    "of an empty queue": _SAID.format(contact="1 + n % 20", state="ignored", count=2000),
    "of now": None,
}
_QUEUE = (
    "alter table whatsapp.events disable trigger user",
    # The first contact has said much, and little of it waits; all that waits else is the second one's.
    "update whatsapp.events set state = 'ready', contact_id = contact_id + (id % 1000 <> 0)::int"
    " where id % 2 = 0",
    "update whatsapp.lanes set due_at = now() - interval '1 hour' / contact_id",
    "alter table whatsapp.events enable trigger user",
)


@pytest.mark.parametrize("statistics", STATISTICS)
async def test_a_lane_reads_only_its_own_queue_whenever_statistics_were_made(
    database: Database, statistics: str
) -> None:
    """Each of them, and a plan from when there was nothing, made another index look as good."""
    url, may_become = database.url("ava_whatsapp_gateway"), ("service_role",)
    async with open_pool(url, name="lane", size=1, may_become=may_become) as pool:
        if statistics == "none":
            assert await lanes.claim(pool, 8, 60.0) == []
        elif statistics != "of now":
            await gathered(database, STATISTICS[statistics] or "")
        await fill(database)
        for statement in _QUEUE:
            await database.admin(statement)
        await database.admin("vacuum analyze" if statistics == "of now" else "vacuum")
        before = await reads(database)
        claimed = await lanes.claim(pool, 8, 60.0)
        assert sorted(len(lane.events) for lane in claimed) == [0] * 6 + [10, 10]
        await what_a_lane_says(pool, claimed)
        await pool.execute("select pg_stat_force_next_flush()")
        assert many(await reads(database) - before) == {}


async def gathered(database: Database, said: str) -> None:
    """Statistics of a moment that has passed."""
    contacts = "insert into whatsapp.contacts (id, wa_digits) overriding system value select n, n from {}"
    for statement in (
        contacts.format("generate_series(1, 20) as n"), said, "analyze", "delete from whatsapp.contacts"
    ):  # fmt: skip
        await database.admin(statement)


async def what_a_lane_says(pool: Pool, claimed: Sequence[lanes.Lane]) -> None:
    """While its events are handled, and as it is given back."""
    writes = GroupCommit(pool)
    for lane in claimed:
        for event in lane.events:
            if event.contact.user_id:
                await lanes.note_owner(writes, event, event.contact.user_id, 60.0)
        for event in lane.events[:5]:
            await lanes.finish(writes, replace(event, ends=None), EventState.DONE, None, 60.0)
        if lane.events[5:]:
            with suppress(LaneChanged):
                await lanes.finish(writes, replace(lane.events[5], ends=lane), EventState.DONE, None, 60.0)
        if not lane.given_back:
            await lanes.give_back(pool, lane, Release(1.0, "test"))
