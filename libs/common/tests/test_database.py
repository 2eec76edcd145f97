"""The database session carries one caller at a time and keeps nothing of theirs."""

import asyncio
import threading
from uuid import UUID, uuid4

import asyncpg
import pytest

from ava_common.caller import Caller
from ava_common.database import AWAY, Connection, MayBypassRls, acting_as, open_pool
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually

CLAIMS = "current_setting('request.jwt.claims', true)::jsonb"
WHO = f"select current_user::text, ({CLAIMS} ->> 'sub')::uuid, {CLAIMS} -> 'act' ->> 'sub'"


def caller(person: UUID, actor: str | None = None) -> Caller:
    return Caller(person, "token", 0, actor)


async def session_state(connection: Connection) -> tuple[str, str]:
    row = await connection.fetchrow(
        "select current_user::text, coalesce(current_setting('request.jwt.claims', true), '')"
    )
    assert row is not None
    return row[0], row[1]


async def test_a_transaction_carries_the_callers_role_and_claims(database: Database) -> None:
    person = uuid4()
    async with open_pool(database.url("ava_profile"), name="test") as pool:
        async with acting_as(pool, caller(person, "whatsapp-gateway"), "ava_profile") as connection:
            row = await connection.fetchrow(WHO)
            assert row is not None
            assert tuple(row) == ("ava_profile", person, "whatsapp-gateway")
        async with pool.acquire() as connection:
            assert await session_state(connection) == ("ava_profile", "")


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_that_the_server_has_ended_is_the_database_away(
    database: Database, turns: int
) -> None:
    """However much of the end asyncpg has read when the connection is used again."""
    url = database.url("postgres")
    async with open_pool(database.url("ava_profile"), name="ended", size=1) as pool:

        async def use_what_has_ended() -> None:
            async with pool.acquire() as connection:
                pid = await connection.fetchval("select pg_backend_pid()")
                # This event loop stands still meanwhile, so that it hears of the end only afterwards.
                ending = threading.Thread(target=asyncio.run, args=[_end(url, pid)])
                ending.start()
                ending.join()
                for _ in range(turns):
                    await asyncio.sleep(0)
                await connection.fetchval("select 1")

        with pytest.raises(AWAY):
            await use_what_has_ended()
        assert await pool.fetchval("select 1") == 1


async def _end(url: str, pid: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("select pg_terminate_backend($1, 10000)", pid)
    await connection.close()


async def test_a_failed_transaction_leaves_no_claims(database: Database) -> None:
    async with open_pool(database.url("ava_profile"), name="test", size=1) as pool:
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with acting_as(pool, caller(uuid4()), "ava_profile") as connection:
                await connection.execute("select 1 / 0")
        async with pool.acquire() as connection:
            assert await session_state(connection) == ("ava_profile", "")


async def test_a_cancelled_task_leaves_no_claims(database: Database) -> None:
    async with open_pool(database.url("ava_profile"), name="test", size=1) as pool:

        async def dawdle() -> None:
            async with acting_as(pool, caller(uuid4()), "ava_profile") as connection:
                await connection.execute("select pg_sleep(600)")

        task = asyncio.create_task(dawdle())
        asleep = "select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
        await eventually(lambda: database.admin(asleep))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with pool.acquire() as connection:
            assert await session_state(connection) == ("ava_profile", "")


async def test_fifty_callers_at_once_are_never_mixed_up(database: Database) -> None:
    async with open_pool(database.url("ava_profile"), name="test", size=4) as pool:

        async def who_am_i(person: UUID) -> bool:
            async with acting_as(pool, caller(person), "ava_profile") as connection:
                await asyncio.sleep(0.001)
                return bool(await connection.fetchval(f"select ({CLAIMS} ->> 'sub')::uuid") == person)

        assert all(await asyncio.gather(*(who_am_i(uuid4()) for _ in range(50))))


@pytest.mark.parametrize("role", ["postgres", "supabase_admin"])
async def test_a_login_that_could_bypass_row_security_is_refused(database: Database, role: str) -> None:
    with pytest.raises(MayBypassRls, match="refuses to start"):
        async with open_pool(database.url(role), name="test"):
            pass


async def test_the_gateway_may_become_service_role_only_by_name(database: Database) -> None:
    url = database.url("ava_whatsapp_gateway")
    with pytest.raises(MayBypassRls, match="service_role"):
        async with open_pool(url, name="test"):
            pass
    async with open_pool(url, name="test", may_become=("service_role",)) as pool:
        assert await pool.fetchval("select true")


async def test_a_service_cannot_take_another_services_role(database: Database) -> None:
    async with open_pool(database.url("ava_profile"), name="test") as pool:
        for role in ("ava_messaging", "service_role", "postgres"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with acting_as(pool, caller(uuid4()), role):
                    pass
