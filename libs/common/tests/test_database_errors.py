"""Whose fault a database error is, whatever SQLSTATE a front before PostgreSQL answers with."""

import asyncio
import time

import asyncpg
import pytest

from ava_common.database import AWAY, Pool, open_pool
from ava_common.database_errors import DatabaseUnavailable, is_about_data, is_away
from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front
from ava_local.testing.waiting import eventually

REFUSALS = (
    *("XX000", "53300", "53400", "53200", "28P01", "28000", "26000", "25006", "57P01", "57P03", "57P05"),
    *("08006", "08P01", "58000", "3D000", "42501", "22023", "23505", "0A000", "P0001", "08ZZZ", "99999"),
)
AWAY_IN_A_STATEMENT = (
    *("XX000", "XX001", "53100", "53200", "53300", "53400", "57014", "57P01", "58030", "25006", "26000"),
    *("28P01", "08003", "08P01", "53ZZZ"),
)
OURS = ("42P01", "42501", "40001", "40P01", "55P03", "0A000", "P0001")
DATA = ("22003", "22021", "22P05", "23502", "23505", "23514", "22ZZZ")


async def failure_of(pool: Pool) -> BaseException:
    try:
        await pool.fetchval("select 1 + $1::int", 1)
    except Exception as error:
        return error
    pytest.fail("the statement succeeded")


async def works(pool: Pool) -> bool:
    try:
        return bool(await pool.fetchval("select true"))
    except AWAY:
        return False


async def test_whatever_refuses_a_connection_is_the_database_away(pool: Pool, front: Front) -> None:
    for state in REFUSALS:
        front.refuse = state
        front.cut()
        await failure_of(pool)  # the session that was cut
        error = await failure_of(pool)
        assert isinstance(error, DatabaseUnavailable), state
        assert state in error.why
        assert not is_about_data(error)
        front.refuse = None
        await eventually(lambda: works(pool))  # a refused password is tried again after a second


async def test_a_statement_that_fails_with_the_database_is_the_database_away(
    pool: Pool, front: Front
) -> None:
    for front.fail in AWAY_IN_A_STATEMENT:
        assert isinstance(await failure_of(pool), AWAY), front.fail
    front.fail = None
    assert await pool.fetchval("select 1") == 1


async def test_a_session_that_ends_with_a_fatal_error_is_the_database_away(pool: Pool, front: Front) -> None:
    front.severity = "FATAL"
    for front.fail in (*OURS, *DATA):
        assert isinstance(await failure_of(pool), AWAY), front.fail


async def test_only_classes_22_and_23_are_about_the_data(pool: Pool, front: Front) -> None:
    for front.fail in (*OURS, *DATA):
        error = await failure_of(pool)
        assert isinstance(error, asyncpg.PostgresError)
        assert error.sqlstate == front.fail
        assert is_about_data(error) == (front.fail in DATA), front.fail
        assert not is_away(error)


@pytest.mark.parametrize(("kind", "value"), [("int", 2**40), ("int", "word"), ("text", "\ud800")])
async def test_a_value_that_fits_no_parameter_is_about_the_data(pool: Pool, kind: str, value: object) -> None:
    with pytest.raises(asyncpg.DataError) as failed:
        await pool.fetchval(f"select $1::{kind}", value)
    assert is_about_data(failed.value)


def test_an_error_that_is_not_the_databases_is_about_the_data() -> None:
    assert is_about_data(KeyError("text"))


async def test_inside_a_transaction_the_whole_block_is_told(pool: Pool, front: Front) -> None:
    async def write() -> None:
        async with pool.acquire() as connection, connection.transaction():
            front.fail = "25006"
            await connection.execute("select 1")

    with pytest.raises(AWAY):
        await write()


async def test_a_server_that_says_nothing_is_away_within_seconds(pool: Pool, front: Front) -> None:
    front.silent = True
    front.cut()
    await failure_of(pool)
    began = time.monotonic()
    assert isinstance(await failure_of(pool), AWAY)
    assert time.monotonic() - began >= 1.9


async def test_a_pool_that_gives_no_connection_in_time_is_the_database_away(pool: Pool) -> None:
    async with pool.acquire():
        assert isinstance(await failure_of(pool), AWAY)
    assert await pool.fetchval("select 1") == 1


async def test_a_service_starts_without_the_database_and_works_once_it_is_there(
    database: Database, front: Front
) -> None:
    front.refuse = "XX000"
    async with open_pool(front.url(database.url("ava_profile")), name="front") as pool:
        error = await failure_of(pool)
        assert isinstance(error, DatabaseUnavailable)
        assert error.why == "InternalServerError XX000"
        front.refuse = None
        assert await pool.fetchval("select 1") == 1


async def test_what_ends_with_a_cancelled_task_is_given_back(pool: Pool) -> None:
    sleeping = asyncio.create_task(pool.fetchval("select pg_sleep(600)"))
    await asyncio.sleep(0.2)
    sleeping.cancel()
    await asyncio.gather(sleeping, return_exceptions=True)
    assert await pool.fetchval("select 1") == 1
