"""Plans that a connection keeps from an empty log are right for a full one; pages with filters keep none.

Decisions 0162 and 0183.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from ava_common.caller import Caller
from ava_common.database import Connection, Pool, open_pool
from ava_local.testing.databases import Database
from ava_messaging import append, store
from ava_messaging.filters import Filters
from ava_messaging.messages import Correction, Turn

ENOUGH = 7
"""From the sixth time on PostgreSQL may keep a plan."""

LIMIT = 10
CORRECTION = Correction.model_validate({"external_id": "none", "changed_at": "2026-01-01T00:00:00Z"})
SAID = Turn(channel="whatsapp", role="user", content="hello")
FILL = """
insert into public.messages (user_id, channel, role, content, created_at, external_id)
select $1, case when n % 1000 = 0 then 'whatsapp' else 'app' end, 'user', 'n', now() - n * interval '1 s',
  'app:' || n
from generate_series(1, 20000) as n
"""
READ = """
select coalesce(sum(idx_tup_fetch + seq_tup_read), 0)::int
from pg_stat_xact_user_tables where relname = 'messages'
"""
KEPT = """
select generic_plans > 0 from pg_prepared_statements where strpos(statement, $1) > 0
"""

Found = Callable[[Connection, UUID], Awaitable[object]]
BY_KEY: dict[str, Found] = {
    "find": lambda connection, user: store.find(connection, user, uuid4()),
    "find_existing": lambda connection, user: store.find_existing(connection, user, uuid4(), "none"),
    "correct": lambda connection, user: store.correct(connection, user, uuid4(), CORRECTION),
    "delete": lambda connection, user: store.delete(connection, user, uuid4()),
}
FILTERS = {
    "since": Filters.model_validate({"since": "2026-01-01T00:00:00Z"}),
    "a frequent channel": Filters(channel="app"),
    "a word": Filters(text="n"),
    "a rare channel": Filters(channel="whatsapp"),
}
READ_AHEAD = 50
"""Rows that PL/pgSQL reads at once after the first ten."""
MOST_READ = {"a frequent channel": LIMIT + READ_AHEAD, "a rare channel": store.EXAMINED + READ_AHEAD}
"""Rows, where some that are read may be of another channel; elsewhere no more than are found."""


@pytest.fixture
async def caller(database: Database) -> Caller:
    """Of an empty log that the planner knows to be empty; nothing tells it that the log has grown."""
    await database.admin("alter table public.messages set (autovacuum_enabled = off)")
    user = await database.person()
    await database.admin("vacuum analyze public.messages")
    return Caller(user, "a.b.c", 2_000_000_000, actor="whatsapp-gateway")


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """One connection, so that it is always the same that keeps plans."""
    async with open_pool(database.url("ava_messaging"), name="test", size=1) as pool:
        yield pool


async def rows_read(connection: Connection, asked: Awaitable[object]) -> int:
    """Of the log, in this transaction."""
    before = await connection.fetchval(READ)
    await asked
    return cast(int, await connection.fetchval(READ)) - cast(int, before)


@pytest.mark.parametrize("name", BY_KEY)
async def test_a_message_is_found_by_its_key(
    database: Database, pool: Pool, caller: Caller, name: str
) -> None:
    for _ in range(ENOUGH):
        async with store.transaction_for(pool, caller) as connection:
            await BY_KEY[name](connection, caller.id)
    await database.admin(FILL, caller.id)
    async with store.transaction_for(pool, caller) as connection:
        assert await rows_read(connection, BY_KEY[name](connection, caller.id)) == 0


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("chosen", FILTERS)
async def test_a_page_with_filters_is_planned_for_them(
    database: Database, pool: Pool, caller: Caller, chosen: str, order: Any
) -> None:
    async def ask(connection: Connection, filters: Filters) -> list[str]:
        found, _ = await store.page(cast(Pool, connection), caller, filters, order, None, LIMIT)
        return found

    for filters in FILTERS.values():
        for _ in range(ENOUGH):
            async with pool.acquire() as connection:
                await ask(connection, filters)
    await database.admin(FILL, caller.id)
    async with pool.acquire() as connection, connection.transaction():
        read = await rows_read(connection, ask(connection, FILTERS[chosen]))
    assert read <= MOST_READ.get(chosen, LIMIT + 1)


@pytest.mark.parametrize("call", ["messaging.newest_page(", "messaging.append_2("])
async def test_what_is_asked_in_one_call_is_planned_once(pool: Pool, caller: Caller, call: str) -> None:
    for _ in range(ENOUGH):
        await store.page(pool, caller, Filters(), "newest", None, LIMIT)
        await append.put(pool, caller, uuid4(), SAID)
    async with pool.acquire() as connection:
        kept: list[asyncpg.Record] = await connection.fetch(KEPT, call)
    assert [row[0] for row in kept] == [True]
