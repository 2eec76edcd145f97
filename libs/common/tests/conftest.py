"""A pool whose way to the database can be broken."""

from collections.abc import AsyncIterator

import pytest_asyncio

from ava_common.database import Pool, open_pool
from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front, front_of


@pytest_asyncio.fixture(loop_scope="session")
async def front(database: Database) -> AsyncIterator[Front]:
    async with front_of(database.url("ava_profile")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def pool(database: Database, front: Front) -> AsyncIterator[Pool]:
    async with open_pool(
        front.url(database.url("ava_profile")), name="front", size=1, wait_seconds=2
    ) as opened:
        yield opened
