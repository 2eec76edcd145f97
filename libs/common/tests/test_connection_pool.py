"""A connection in steady use stays at hand, and is as sound as one that asyncpg has looked at."""

import asyncio

import asyncpg
import pytest

from ava_common import connection_pool
from ava_common.database import AWAY, Pool, open_pool
from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front

PROCESS = "select pg_backend_pid()"


async def used(pool: Pool) -> object:
    """What asyncpg has given out; it gives out another each time."""
    async with pool.acquire() as connection:
        return connection


async def test_a_connection_in_steady_use_is_acquired_once(pool: Pool) -> None:
    first = await used(pool)
    for _ in range(connection_pool.USES_MAX - 10):
        assert await used(pool) is first
    process = await pool.fetchval(PROCESS)
    for _ in range(20):
        await used(pool)
    assert await used(pool) is not first, "asyncpg never sees it again"
    assert await pool.fetchval(PROCESS) == process


async def test_what_nobody_uses_goes_back_to_asyncpg(pool: Pool) -> None:
    process, first = await pool.fetchval(PROCESS), await used(pool)
    assert pool.get_idle_size() == 0
    await asyncio.sleep(connection_pool.IDLE_SECONDS + 2 * connection_pool.LOOK_SECONDS + 0.2)
    assert pool.get_idle_size() == 1
    assert await used(pool) is not first
    assert await pool.fetchval(PROCESS) == process


async def test_a_connection_that_was_cut_while_it_was_at_hand_is_replaced(pool: Pool, front: Front) -> None:
    process = await pool.fetchval(PROCESS)
    front.cut()
    await asyncio.sleep(0.2)
    assert await pool.fetchval(PROCESS) != process


async def test_after_an_error_asyncpg_looks_at_it(pool: Pool) -> None:
    first = await used(pool)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await pool.fetchval("select 1 / 0")
    assert await used(pool) is not first


@pytest.mark.filterwarnings("ignore")
async def test_a_transaction_that_was_left_open_is_not_handed_on(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("begin")
        await connection.execute("select set_config('ava.left_open', 'yes', true)")
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("select current_setting('ava.left_open', true)") != "yes"


async def test_expired_connections_are_not_used_again(pool: Pool) -> None:
    at_hand = await pool.fetchval(PROCESS)
    await pool.expire_connections()
    async with pool.acquire() as connection:
        in_use = await connection.fetchval(PROCESS)
        await pool.expire_connections()
    assert len({at_hand, in_use, await pool.fetchval(PROCESS)}) == 3


async def test_those_who_wait_are_served_in_their_order_and_who_is_gone_is_passed_over(pool: Pool) -> None:
    served = []

    async def wait(number: int) -> None:
        async with pool.acquire():
            served.append(number)

    async with pool.acquire():
        waiting = [asyncio.create_task(wait(number)) for number in range(5)]
        await asyncio.sleep(0.05)
        waiting[1].cancel()
    waiting[0].cancel()  # the connection is its own already
    waiting[3].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served == [2, 4]
    assert await pool.fetchval("select 1") == 1


async def test_who_waits_too_long_is_told_so_and_the_next_one_is_served(pool: Pool) -> None:
    async with pool.acquire():
        with pytest.raises(AWAY):
            await pool.fetchval("select 1")
        waiting = asyncio.create_task(pool.fetchval("select 1"))
        await asyncio.sleep(0.05)
    assert await waiting == 1


async def test_a_pool_closes_when_those_who_use_it_are_done(database: Database) -> None:
    async with open_pool(database.url("ava_profile"), name="closing", size=2) as closing:
        await asyncio.gather(*(closing.fetchval("select pg_sleep(0.1)") for _ in range(2)))
        last = asyncio.create_task(closing.fetchval("select pg_sleep(0.3)"))
        await asyncio.sleep(0.05)
    assert last.done()
    [row] = await database.admin(
        "select count(*) as n from pg_stat_activity where application_name = 'closing'"
    )
    assert row["n"] == 0
