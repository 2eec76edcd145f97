"""What many lanes say at once is one commit, and none of them waits or fails because of another one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from ava_common.database_errors import DatabaseUnavailable
from ava_local.postgres.cluster import SUPERUSER
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.outbox import calls
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.exceptions import LeaseLost
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import EventState, SendState

from . import meta_payloads as meta
from .conftest import Gateway
from .state_watch import put_send
from .waiting import until_blocked


async def claimed(gateway: Gateway, count: int, messages: int = 1) -> list[Event]:
    """The first event of each of so many lanes, which are claimed."""
    for number in range(count):
        await gateway.keep(*(meta.text(f"49151000000{number:02}") for _ in range(messages)))
    await gateway.ingest()
    found = [lane.events[0] for lane in await gateway.claim()]
    assert len(found) == count
    return found


async def finish(gateway: Gateway, event: Event, state: str = EventState.DONE) -> None:
    await lanes.finish(gateway.writes, event, state, None, 20.0)  # type: ignore[arg-type]


@asynccontextmanager
async def locked(database: Database, row: str) -> AsyncIterator[asyncpg.Connection]:
    """This row is another transaction's meanwhile."""
    connection = await asyncpg.connect(database.url(SUPERUSER))
    try:
        async with connection.transaction():
            await connection.execute(f"select from {row} for update")
            yield connection
    finally:
        await connection.close()


async def test_what_many_lanes_say_at_once_is_one_commit(gateway: Gateway) -> None:
    events = await claimed(gateway, 12)
    await asyncio.gather(*(finish(gateway, event) for event in events))
    rows = await gateway.pool.fetch("select state, xmin::text as made_by from whatsapp.events")
    assert {row["state"] for row in rows} == {"done"}
    assert len({row["made_by"] for row in rows}) == 1
    assert await gateway.pool.fetch("select from whatsapp.lanes") == []


async def test_what_is_said_some_turns_of_the_loop_later_shares_the_commit(gateway: Gateway) -> None:
    first, second = await claimed(gateway, 2)
    finished = asyncio.create_task(finish(gateway, first))
    for _ in range(6):
        await asyncio.sleep(0)
    await asyncio.gather(finished, finish(gateway, second))
    rows = await gateway.pool.fetch("select xmin::text as made_by from whatsapp.events")
    assert len({row["made_by"] for row in rows}) == 1


async def test_what_is_taken_back_before_the_commit_is_not_done(gateway: Gateway) -> None:
    first, second = await claimed(gateway, 2)
    finished = asyncio.create_task(finish(gateway, first))
    for _ in range(2):
        await asyncio.sleep(0)
    finished.cancel()
    await asyncio.gather(finished, return_exceptions=True)
    await finish(gateway, second)
    assert sorted(state for _, state in await gateway.states()) == ["done", "ready"]


async def test_who_is_cancelled_as_the_answer_comes_stops_nobody(gateway: Gateway) -> None:
    """The next group is gathering by then."""
    first, second = await claimed(gateway, 2)
    stopped = asyncio.create_task(finish(gateway, first))
    while not (group := gateway.writes._group):  # noqa: ASYNC110 (each turn counts)
        await asyncio.sleep(0)
    other = asyncio.create_task(finish(gateway, second))
    while not group[0].answer.done():  # noqa: ASYNC110
        await asyncio.sleep(0)
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    await other
    assert {state for _, state in await gateway.states()} == {"done"}


async def test_different_calls_share_a_commit(gateway: Gateway, database: Database) -> None:
    first, second, third = await claimed(gateway, 3)
    send = await outbox.get(gateway.pool, await put_send(database, third.id, SendState.READY))
    _, begun, _ = await asyncio.gather(
        finish(gateway, first),
        calls.begin(gateway.writes, third, send, gateway.settings),
        finish(gateway, second),
    )
    assert (begun.verdict, begun.attempt, begun.wa_digits) == ("go", 1, third.contact.wa_digits)
    made_by = await gateway.pool.fetch(
        "select xmin::text from whatsapp.events where state = 'done'"
        " union all select xmin::text from whatsapp.outbox"
    )
    assert len(made_by) == 3
    assert len({row["xmin"] for row in made_by}) == 1


async def test_a_lane_that_others_have_locked_keeps_nobody_waiting(
    gateway: Gateway, database: Database
) -> None:
    slow, *others = await claimed(gateway, 4)
    async with locked(database, f"whatsapp.lanes where contact_id = {slow.contact.id}"):
        waiting = asyncio.create_task(finish(gateway, slow))
        await asyncio.wait_for(asyncio.gather(*(finish(gateway, event) for event in others)), 20)
        await until_blocked(database)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 20)
    assert {state for _, state in await gateway.states()} == {"done"}


async def test_a_send_that_others_have_locked_keeps_nobody_waiting_for_long(
    gateway: Gateway, database: Database
) -> None:
    event, *others = await claimed(gateway, 4)
    send = await outbox.get(gateway.pool, await put_send(database, event.id, SendState.SENDING))
    async with locked(database, "whatsapp.outbox"):
        waiting = asyncio.create_task(calls.mark_accepted(gateway.writes, send, "wamid.1", None, "1"))
        await asyncio.wait_for(asyncio.gather(*(finish(gateway, event) for event in others)), 20)
        assert not waiting.done()
    accepted, closed = await asyncio.wait_for(waiting, 20)
    assert accepted == await outbox.get(gateway.pool, send.id)
    assert (accepted.state, accepted.wamid, closed) == (SendState.ACCEPTED, "wamid.1", False)


async def test_a_call_that_fails_costs_its_siblings_nothing(gateway: Gateway) -> None:
    broken, *others = await claimed(gateway, 4)
    said = [finish(gateway, others[0]), finish(gateway, broken, "no state"), finish(gateway, others[1])]
    results = await asyncio.gather(*said, finish(gateway, others[2]), return_exceptions=True)
    assert [type(result) for result in results if result] == [asyncpg.CheckViolationError]
    states = await gateway.pool.fetch("select id, state from whatsapp.events")
    assert {row["state"] for row in states if row["id"] != broken.id} == {"done"}
    assert [row["state"] for row in states if row["id"] == broken.id] == ["ready"]


async def test_when_the_database_goes_away_none_is_asked_twice(gateway: Gateway, database: Database) -> None:
    """It may have committed what it could not confirm."""
    event, other = await claimed(gateway, 2)
    send = await outbox.get(gateway.pool, await put_send(database, event.id, SendState.SENDING))
    async with locked(database, "whatsapp.outbox"):
        said = (
            calls.mark_accepted(gateway.writes, send, "wamid.1", None, "1"),
            finish(gateway, other),
        )
        waiting = asyncio.gather(*said, return_exceptions=True)
        await until_blocked(database)
        await database.admin(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
        assert [type(result) for result in await waiting] == [DatabaseUnavailable] * 2
    assert {state for _, state in await gateway.states()} == {"ready"}


@pytest.mark.parametrize(
    "how",
    [
        "delete from whatsapp.lanes",
        "update whatsapp.lanes set token = gen_random_uuid()",
        "update whatsapp.lanes set token = null",
    ],
)
async def test_a_worker_that_lost_its_lane_is_told_so_among_others(
    gateway: Gateway, database: Database, how: str
) -> None:
    gone, *others = await claimed(gateway, 3)
    await database.admin(f"{how} where contact_id = $1", gone.contact.id)
    results = await asyncio.gather(
        *(finish(gateway, event) for event in [gone, *others]), return_exceptions=True
    )
    assert [type(result) for result in results] == [LeaseLost, type(None), type(None)]


@pytest.mark.parametrize("more", [False, True])
async def test_the_last_event_of_a_claim_gives_its_lane_back(gateway: Gateway, more: bool) -> None:
    await gateway.keep(meta.text())
    await gateway.ingest()
    [lane] = await gateway.claim()
    if more:
        await gateway.keep(meta.text())
        await gateway.ingest()
    await finish(gateway, lane.events[-1])
    assert (lane.given_back, lane.is_empty) == (True, not more)
    left = await gateway.pool.fetch("select token, due_at <= clock_timestamp() as due from whatsapp.lanes")
    assert [tuple(row) for row in left] == [(None, True)] * more


async def test_a_lane_is_kept_until_its_last_event(gateway: Gateway) -> None:
    await gateway.keep(meta.text(), meta.text())
    await gateway.ingest()
    [lane] = await gateway.claim()
    await finish(gateway, lane.events[0])
    assert not lane.given_back
    assert await gateway.pool.fetchval("select token from whatsapp.lanes") == lane.token


async def test_an_answer_is_stored_when_its_call_begins(gateway: Gateway, database: Database) -> None:
    [event] = await claimed(gateway, 1)
    person = await database.person()
    draft = outbox.draft("hello", outbox.Whose(person, None))
    begun = await calls.begin(gateway.writes, event, draft, gateway.settings)
    stored = await outbox.get(gateway.pool, draft.id)
    assert (begun.verdict, stored.state, stored.body) == ("go", SendState.SENDING, "hello")
    row = await gateway.pool.fetchrow("select user_id, logged_at, claimed_at from whatsapp.events")
    assert row is not None
    assert (row["user_id"], row["claimed_at"]) == (person, event.claimed_at)
    assert row["logged_at"]


async def test_an_answer_that_must_wait_is_stored_all_the_same(gateway: Gateway, database: Database) -> None:
    [event] = await claimed(gateway, 1)
    await gateway.pool.execute(
        "insert into whatsapp.numbers (phone_number_id, paused_until) values ($1, now() + interval '1 min')",
        meta.NUMBER_ID,
    )
    draft = outbox.draft("hello", outbox.Whose(await database.person(), None))
    begun = await calls.begin(gateway.writes, event, draft, gateway.settings)
    assert (begun.verdict, begun.attempt) == ("number", 0)
    assert (await outbox.get(gateway.pool, draft.id)).state is SendState.READY


@pytest.mark.parametrize(("left", "extended"), [(19, False), (14, True)])
async def test_a_lease_is_extended_once_a_quarter_of_it_is_over(
    gateway: Gateway, left: int, extended: bool
) -> None:
    await gateway.keep(meta.text(), meta.text())
    await gateway.ingest()
    [lane] = await gateway.claim()
    due = await gateway.pool.fetchval(
        "update whatsapp.lanes set due_at = clock_timestamp() + make_interval(secs => $1) returning due_at",
        left,
    )
    await finish(gateway, lane.events[0])
    assert (await gateway.pool.fetchval("select due_at from whatsapp.lanes") > due) is extended


async def test_a_caller_that_goes_when_its_answer_has_come_stops_nothing(gateway: Gateway) -> None:
    first, second, third = await claimed(gateway, 3)

    async def first_then_third() -> None:
        await finish(gateway, first)
        following.cancel()  # its answer is there, in the same commit
        await finish(gateway, third)

    leading = asyncio.create_task(first_then_third())
    following = asyncio.create_task(finish(gateway, second))
    with pytest.raises(asyncio.CancelledError):
        await following
    await leading
    assert {state for _, state in await gateway.states()} == {"done"}
