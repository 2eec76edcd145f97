"""The migrations apply from nothing and from every earlier state, on every version, as a non-superuser."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from ava_local.postgres.cluster import Cluster
from ava_local.postgres.migrations import migrate, migration_files
from ava_local.postgres.server_binaries import installed_binaries
from ava_local.repository import ROOT
from ava_local.testing.databases import MIGRATIONS, Database, drop_database, new_database, temporary_cluster

FILES = migration_files(MIGRATIONS)
CATALOG = Path(__file__).with_name("catalog.sql").read_text(encoding="utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=[15, 16, 18], ids=lambda v: f"pg{v}")
async def server(processes: None, request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """15 is Debian's (apt-get install postgresql-15); 16 and 18 come with the wheel."""
    if installed_binaries(request.param) is None:
        pytest.skip(f"NOT PROVEN on PostgreSQL {request.param}: apt-get install postgresql-{request.param}")
    with temporary_cluster(request.param) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def empty(server: Cluster) -> AsyncIterator[Database]:
    """What hosted Supabase gives before the first migration."""
    yield await new_database(server, "empty")
    await drop_database(server, "empty")


def first(number: int, folder: Path) -> Path:
    """A folder with the first `number` migrations: the state of a stack of an earlier day."""
    folder.mkdir()
    for file in FILES[:number]:
        shutil.copy(file, folder)
    return folder


async def shape_of(database: Database) -> list[tuple[str, ...]]:
    """Columns, constraints, indexes, policies, grants and functions: equal shapes are equal databases."""
    rows = await database.admin(
        """
        select 'column', format('%s.%s', attrelid::regclass, attname), format_type(atttypid, atttypmod),
               attacl::text, attnotnull::text
          from pg_attribute join pg_class c on c.oid = attrelid
         where attnum > 0 and c.relnamespace::regnamespace::text in ('public', 'whatsapp', 'accounts')
        union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
          from pg_constraint where connamespace::regnamespace::text in ('public', 'whatsapp', 'accounts')
        union all select 'policy', polrelid::regclass::text, polname, pg_get_expr(polqual, polrelid),
               pg_get_expr(polwithcheck, polrelid) from pg_policy
        union all select 'relation', oid::regclass::text, relacl::text, relrowsecurity::text, ''
          from pg_class where relnamespace::regnamespace::text in ('public', 'whatsapp', 'accounts')
        union all select 'function', oid::regprocedure::text, md5(prosrc), proacl::text, prosecdef::text
          from pg_proc where pronamespace::regnamespace::text
            in ('public', 'whatsapp', 'accounts', 'ava_private')
        order by 1, 2, 3, 4
        """
    )
    return [tuple(row) for row in rows]


async def test_all_apply_from_nothing_as_a_role_that_is_not_a_superuser(empty):
    [me] = await empty.admin("select * from pg_roles where rolname = 'postgres'")
    assert not me["rolsuper"]
    assert await migrate(empty.url("postgres"), MIGRATIONS) == [file.stem for file in FILES]
    assert [tuple(row) for row in await empty.admin(CATALOG)] == []
    assert await migrate(empty.url("postgres"), MIGRATIONS) == []
    assert await empty.person()
    [count] = await empty.admin("select count(*) from public.users")
    assert count["count"] == 1


@pytest.mark.parametrize("state", range(1, len(FILES)))
async def test_the_rest_applies_on_every_earlier_state_and_ends_the_same(empty, server, state, tmp_path):
    await migrate(empty.url("postgres"), first(state, tmp_path / "earlier"))
    person = await empty.person()
    await empty.admin(
        "insert into public.messages (user_id, channel, role, content) values ($1, 'app', 'user', 'kept')",
        person,
    )
    assert await migrate(empty.url("postgres"), MIGRATIONS) == [file.stem for file in FILES[state:]]
    [kept] = await empty.admin("select content from public.messages where user_id = $1", person)
    assert kept["content"] == "kept"
    straight = await new_database(server, "straight")
    await migrate(straight.url("postgres"), MIGRATIONS)
    assert await shape_of(empty) == await shape_of(straight)
    await drop_database(server, "straight")


async def test_accounts_from_before_the_first_migration_get_their_row(empty):
    person = await empty.person()
    await migrate(empty.url("postgres"), MIGRATIONS)
    [row] = await empty.admin("select id from public.users")
    assert row["id"] == person


async def test_deleting_an_account_deletes_everything_of_theirs(empty):
    await migrate(empty.url("postgres"), MIGRATIONS)
    person, other = await empty.person(), await empty.person()
    for who, phone in ((person, "+4915112345678"), (other, "+4915187654321")):
        await empty.admin(
            "insert into public.avatars (user_id, name, age, personality, physical_description)"
            " values ($1, 'Ava', 20, 'calm', '')",
            who,
        )
        await empty.admin(
            "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
            " values ($1, $2, now())",
            who,
            phone,
        )
        await empty.admin(
            "insert into public.messages (user_id, avatar_id, channel, role, content)"
            " select user_id, id, 'app', 'user', 'hi' from public.avatars where user_id = $1",
            who,
        )
        await empty.admin(
            "insert into whatsapp.contacts (wa_digits, user_id) values ($1, $2)", phone[1:], who
        )
    connection = await asyncpg.connect(empty.url("supabase_auth_admin"))
    await connection.execute("delete from auth.users where id = $1", person)
    await connection.close()
    tables = await empty.admin(
        "select distinct conrelid::regclass::text as name, attname from pg_constraint"
        " join pg_attribute on attrelid = conrelid and attnum = conkey[1]"
        " where contype = 'f' and confrelid in ('auth.users'::regclass, 'public.users'::regclass)"
        " and connamespace <> 'auth'::regnamespace"
    )
    assert len(tables) >= 5
    for table in tables:
        rows = await empty.admin(f"select {table['attname']} as who from {table['name']}")  # noqa: S608
        assert {row["who"] for row in rows} == {other}, table["name"]


async def test_deleting_an_avatar_keeps_the_log(empty):
    await migrate(empty.url("postgres"), MIGRATIONS)
    person = await empty.person()
    [avatar] = await empty.admin(
        "insert into public.avatars (user_id, name, age, personality, physical_description)"
        " values ($1, 'Ava', 20, 'calm', '') returning id",
        person,
    )
    await empty.admin(
        "insert into public.messages (user_id, avatar_id, channel, role, content)"
        " values ($1, $2, 'app', 'user', 'hi')",
        person,
        avatar["id"],
    )
    await empty.admin("delete from public.avatars where id = $1", avatar["id"])
    [message] = await empty.admin("select user_id, avatar_id from public.messages")
    assert (message["user_id"], message["avatar_id"]) == (person, None)


async def test_a_sign_up_succeeds_even_when_the_trigger_cannot_add_the_user(empty):
    await migrate(empty.url("postgres"), MIGRATIONS)
    await empty.admin("alter table public.users add constraint broken check (false)")
    person = await empty.person()
    [account] = await empty.admin("select id from auth.users")
    assert account["id"] == person
    assert await empty.admin("select id from public.users") == []


async def test_a_migration_that_fails_leaves_nothing_behind_and_says_so(empty, tmp_path):
    folder = first(len(FILES), tmp_path / "broken")
    (folder / "20991231000000_broken.sql").write_text("create table public.half (id int); select 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty.url("postgres"), folder)
    assert await empty.admin("select 1 from pg_class where relname = 'half'") == []
    assert await migrate(empty.url("postgres"), MIGRATIONS) == []


async def test_ids_rise_with_time_and_are_version_seven(empty):
    await migrate(empty.url("postgres"), MIGRATIONS)
    rows = await empty.admin("select public.uuid_v7() as id from generate_series(1, 5000)")
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))
    assert {(made.version, made.variant) for made in ids} == {(7, uuid4().variant)}


@pytest.mark.usefixtures("processes")
def test_squawk_would_warn(tmp_path):
    (tmp_path / "bad.sql").write_text("alter table public.messages drop column content;")
    squawk = Path(sys.executable).with_name("squawk")
    command = [squawk, "--config", ROOT / ".squawk.toml", tmp_path / "bad.sql"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
