"""Every migration is applied once, even by several runners at once."""

import asyncio

from ava_local.postgres.migrations import migrate, migration_files
from ava_local.testing.databases import MIGRATIONS, Database


async def test_two_starts_at_once_apply_every_migration_once(plain: Database) -> None:
    applied = await asyncio.gather(*(migrate(plain.url("postgres"), MIGRATIONS) for _ in range(3)))
    everything = [file.stem for file in migration_files(MIGRATIONS)]
    assert sorted(applied, key=len) == [[], [], everything]
