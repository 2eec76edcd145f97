"""A migration notes whose the stored events are, and nothing of accounts that are deleted meanwhile.

Decision 0175.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from ava_local.postgres.migrations import migrate
from ava_local.testing.databases import MIGRATIONS, Database, drop_database, new_database, temporary_cluster
from ava_local.testing.waiting import eventually
from rls.schema_snapshots import restored
from rls.test_migrations import FILES, first

BEFORE = next(number for number, file in enumerate(FILES) if file.name.startswith("20261222000400"))
ADA = "(select id from auth.users where email = 'ada@people.example')"
ANOTHERS = f"""
update whatsapp.events set user_id = {ADA} where contact_id = (
  select min(e.contact_id) from whatsapp.events as e join whatsapp.contacts as c on c.id = e.contact_id
  where c.user_id <> {ADA})
"""  # noqa: S608
WAITING = "select from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'"


@pytest_asyncio.fixture(loop_scope="session")
async def release(processes: None, tmp_path: Path) -> AsyncIterator[Database]:
    with temporary_cluster(18) as server:
        await new_database(server, "roles")  # makes those that the dump grants to
        database = await restored(server, "release")
        await migrate(database.url("postgres"), first(BEFORE, tmp_path / "earlier"))
        yield database
        await drop_database(server, "release")


async def test_the_senders_of_stored_events_are_filled_in(release: Database) -> None:
    await migrate(release.url("postgres"), MIGRATIONS)
    wrote = "select distinct user_id, contact_id from whatsapp.events where user_id is not null order by 1, 2"
    senders = await release.admin("select user_id, contact_id from whatsapp.senders order by 1, 2")
    assert senders
    assert senders == await release.admin(wrote)


@pytest.mark.parametrize("written_from", ["the own contact", "another's"])
async def test_who_leaves_meanwhile_is_no_sender(release: Database, written_from: str) -> None:
    [ada] = await release.admin(ADA)
    if written_from == "another's":
        await release.admin("update whatsapp.events set user_id = null where user_id = $1", ada["id"])
        await release.admin(ANOTHERS)
    assert await release.admin("select from whatsapp.events where user_id = $1", ada["id"])
    leaving = await asyncpg.connect(release.url("supabase_auth_admin"))
    async with leaving.transaction():
        await leaving.execute("delete from auth.users where id = $1", ada["id"])
        migrating = asyncio.ensure_future(migrate(release.url("postgres"), MIGRATIONS))

        async def has_met_it() -> bool:
            return migrating.done() or bool(await release.admin(WAITING, release.name))

        await eventually(has_met_it)
    await leaving.close()
    await migrating
    assert await release.admin("select from whatsapp.senders where user_id = $1", ada["id"]) == []
