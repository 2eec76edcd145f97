"""Migrations while the previous release is at work: they wait for its workers, and never in a circle.

Decision 0091. See docs/contracts/postgres.md#locks.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from ava_local.postgres.cluster import SUPERUSER, Cluster
from ava_local.postgres.migrations import migrate, migration_files
from ava_local.testing.databases import (
    MIGRATIONS,
    Database,
    drop_database,
    new_database,
    temporary_cluster,
)
from ava_local.testing.waiting import eventually
from rls.schema_snapshots import restored

ACCEPTED = "select whatsapp.accepted(gen_random_uuid(), 'wamid.late', null, '15550001111')"
"""Locks sends, then events: a worker's most frequent order."""
WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and usename = $1 and (wait_event_type = 'Lock' or wait_event = 'PgSleep')
"""


@pytest.fixture(scope="module")
def server(processes: None) -> Iterator[Cluster]:
    with temporary_cluster() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def release(server: Cluster) -> AsyncIterator[Database]:
    await new_database(server, "with_the_roles")
    yield await restored(server, "release")
    await drop_database(server, "release")
    await drop_database(server, "with_the_roles")


async def waits_or_ends(database: Database, role: str, task: "asyncio.Future[Any]") -> None:
    """Until this task has ended or its role waits for a lock, or until it tries for one again."""

    async def is_so() -> bool:
        return task.done() or (await database.admin(WAITING, role))[0][0] > 0

    await eventually(is_so)


async def test_no_migration_and_worker_wait_for_each_other_in_a_circle(
    release: Database, tmp_path: Path
) -> None:
    reader, worker = [await asyncpg.connect(release.url("ava_whatsapp_gateway")) for _ in range(2)]
    for file in migration_files(MIGRATIONS):
        shutil.copy(file, tmp_path)
        async with reader.transaction():
            await reader.execute("select from whatsapp.events limit 1")
            migrating = asyncio.ensure_future(migrate(release.url("postgres"), tmp_path))
            await waits_or_ends(release, "postgres", migrating)
            working = asyncio.ensure_future(worker.execute(ACCEPTED))
            await waits_or_ends(release, "ava_whatsapp_gateway", working)
        results = await asyncio.gather(migrating, working, return_exceptions=True)
        assert [result for result in results if isinstance(result, Exception)] == [], file.name
    await reader.close()
    await worker.close()


READS = {
    table: f"select from whatsapp.{table} limit 1" for table in ("deliveries", "events", "contacts", "outbox")
}
SET = "update whatsapp.{} set state = state"
WRITES = {table: SET.format(table) for table in ("deliveries", "events", "outbox")}
TRANSACTIONS = {
    "ingest": list(WRITES.values()),
    "a worker": [WRITES["outbox"], WRITES["events"]],
    "a sender": [WRITES["outbox"], READS["contacts"]],
    "who looks for a send": [READS["contacts"], READS["outbox"]],
    "retention": [READS["deliveries"], READS["events"], WRITES["deliveries"]],
    "who reads first": [READS["events"], WRITES["events"]],
}
ONE_TABLE_A_FILE = "20261225"
"""Migrations from here on lock one table each, in one way, or do not wait for the second one: there is no
order that suits everybody."""


@pytest.mark.parametrize("statements", TRANSACTIONS.values(), ids=TRANSACTIONS)
async def test_a_migration_begins_in_the_middle_of_a_transaction(
    release: Database, tmp_path: Path, statements: list[str]
) -> None:
    files = migration_files(MIGRATIONS)
    for file in files:
        if file.name < ONE_TABLE_A_FILE:
            shutil.copy(file, tmp_path)
    await migrate(release.url("postgres"), tmp_path)
    working = await asyncpg.connect(release.url(SUPERUSER))
    for file in files:
        if file.name >= ONE_TABLE_A_FILE:
            shutil.copy(file, tmp_path)
            async with working.transaction():
                await working.execute(statements[0])
                migrating = asyncio.ensure_future(migrate(release.url("postgres"), tmp_path))
                for statement in statements[1:]:
                    await waits_or_ends(release, "postgres", migrating)
                    await working.execute(statement)
            assert await migrating == [file.stem]
    await working.close()
