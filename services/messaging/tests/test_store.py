"""Every statement about a user's rows asks whether the account still exists.

Decision 0112.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from ava_common.caller import Caller
from ava_common.database import GONE, Connection, Pool, open_pool
from ava_local.testing.databases import Database
from ava_messaging import append, store
from ava_messaging.filters import Filters
from ava_messaging.messages import Correction, Turn, Written

TURN = Turn(channel="whatsapp", role="user", content="hello", external_id="w")
CORRECTION = Correction.model_validate({"external_id": "w", "changed_at": "2026-01-01T00:00:00Z"})
Statement = Callable[[Connection, UUID], Awaitable[object]]
STATEMENTS: dict[str, Statement] = {
    "find": lambda connection, user: store.find(connection, user, uuid4()),
    "correct": lambda connection, user: store.correct(connection, user, uuid4(), CORRECTION),
    "find_existing": lambda connection, user: store.find_existing(connection, user, uuid4(), "w"),
    "delete": lambda connection, user: store.delete(connection, user, uuid4()),
}


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with open_pool(database.url("ava_messaging"), name="test") as pool:
        yield pool


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_a_statement_for_an_account_that_is_gone_fails(pool: Pool, statement: str) -> None:
    gone = Caller(uuid4(), "a.b.c", 2_000_000_000, actor="whatsapp-gateway")
    with pytest.raises(GONE):
        async with store.transaction_for(pool, gone) as connection:
            await STATEMENTS[statement](connection, gone.id)


async def test_so_does_what_is_written(pool: Pool) -> None:
    gone = Caller(uuid4(), "a.b.c", 2_000_000_000, actor="whatsapp-gateway")
    with pytest.raises(GONE):
        await append.put(pool, gone, uuid4(), TURN)
    with pytest.raises(GONE):
        await append.write(pool, replace(gone, actor=None), Written(content="hello"), None)


async def test_so_does_a_page_and_an_export(pool: Pool) -> None:
    gone = Caller(uuid4(), "a.b.c", 2_000_000_000)
    with pytest.raises(GONE):
        await store.page(pool, gone, Filters(), "newest", None, 10)
    with pytest.raises(GONE):
        async with store.transaction_for(pool, gone, snapshot=True) as connection:
            await anext(store.stream(connection, gone, Filters(), "oldest", 10))
