"""A login waits in line for a connection, and pauses after a refused password."""

import asyncio
import re

import asyncpg
import pytest

from ava_common.database import AWAY, open_pool
from ava_common.database_login import Login, are_all_taken
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually


async def test_a_login_waits_in_line_while_all_connections_are_taken(database: Database) -> None:
    url = database.url("ava_profile")
    await database.admin("alter role ava_profile connection limit 1")
    try:
        held = await asyncpg.connect(url)
        waiting = asyncio.create_task(Login()(url))
        await held.fetchval("select pg_sleep(0.3)")
        assert not waiting.done()
        await held.close()
        connection = await waiting
        assert await connection.fetchval("select 1") == 1
        await connection.close()
    finally:
        await database.admin("alter role ava_profile connection limit -1")


def test_a_full_session_pool_is_told_by_its_words() -> None:
    """The pooler's code for it is XX000, as for much else."""
    assert are_all_taken(asyncpg.InternalServerError("MaxClientsInSessionMode: max clients reached"))
    assert are_all_taken(asyncpg.TooManyConnectionsError("too many connections for role"))
    assert not are_all_taken(asyncpg.InternalServerError("Tenant or user not found"))


async def test_a_refused_password_is_not_tried_again_at_once(database: Database) -> None:
    url = re.sub(r":[^:@]+@", ":wrong@", database.url("ava_profile"))
    login = Login()
    with pytest.raises(asyncpg.InvalidPasswordError, match="authentication failed"):
        await login(url)
    with pytest.raises(asyncpg.InvalidPasswordError, match="a moment ago"):
        await login(url)
    async with open_pool(url, name="test") as pool:
        with pytest.raises(AWAY):
            await pool.fetchval("select 1")


async def test_after_the_pause_the_right_password_is_accepted(database: Database) -> None:
    login = Login()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await login(re.sub(r":[^:@]+@", ":wrong@", database.url("ava_profile")))

    async def accepted() -> bool:
        try:
            connection = await login(database.url("ava_profile"))
        except asyncpg.InvalidPasswordError:
            return False
        await connection.close()
        return True

    await eventually(accepted)
