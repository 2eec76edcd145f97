"""The migrations apply from nothing and from the release's data, on every version, as a non-superuser.

Decisions 0014, 0091. See docs/contracts/postgres.md#versions.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
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
from rls.schema_snapshots import added_columns, lost_columns, restored, rows_of, shape_of, without

FILES = migration_files(MIGRATIONS)
Shape = list[tuple[str | None, ...]]
DIGESTS = {
    "20261122000100_core.sql": "20927d660a060b155652f222b5341fc2e9df6562f3dd4b1f1735b566a2872170",
    "20261122000200_whatsapp.sql": "1badf7ab282210e2c22ae800f15b927af0a37597e166700f83c37d9dfbf95a9a",
    "20261122000300_accounts.sql": "fd1663995567c57d3d695159a6169bc1f850c370748a1dd88918680f4ce4ef94",
    "20261122000400_messages_page.sql": "fb7d769e5bf48fac56b84c2b9feb09af21c235658ee86923c42120b6b1b4c446",
}
"""The migrations of release 0.1.0. At a release the new ones join them, with a dump of their own."""
RELEASED = len(DIGESTS)
DROPPED = {"whatsapp.outbox.logged_at", "whatsapp.moves.moved_at"}
"""All columns that migrations have dropped since 0.1.0: that release never named them."""
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


async def test_all_apply_from_nothing_as_a_role_that_is_not_a_superuser(empty: Database) -> None:
    [me] = await empty.admin("select * from pg_roles where rolname = 'postgres'")
    assert not me["rolsuper"]
    assert await migrate(empty.url("postgres"), MIGRATIONS) == [file.stem for file in FILES]
    assert [tuple(row) for row in await empty.admin(CATALOG)] == []
    assert await migrate(empty.url("postgres"), MIGRATIONS) == []
    assert await empty.person()
    [count] = await empty.admin("select count(*) from public.users")
    assert count["count"] == 1


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def straight(server: Cluster) -> AsyncIterator[Shape]:
    """The shape of a database that was migrated from nothing."""
    database = await new_database(server, "straight")
    await migrate(database.url("postgres"), MIGRATIONS)
    yield await shape_of(database)
    await drop_database(server, "straight")


@pytest_asyncio.fixture(loop_scope="session")
async def release(server: Cluster, straight: Shape) -> AsyncIterator[Database]:
    """The database of release 0.1.0, with rows in every state."""
    yield await restored(server, "release")
    await drop_database(server, "release")


def test_a_released_migration_is_never_edited() -> None:
    assert {file.name: sha256(file.read_bytes()).hexdigest() for file in FILES[:RELEASED]} == DIGESTS


async def test_the_dump_is_what_the_released_migrations_make(
    release: Database, empty: Database, tmp_path: Path
) -> None:
    await migrate(empty.url("postgres"), first(RELEASED, tmp_path / "released"))
    assert await shape_of(release) == await shape_of(empty)


async def test_the_dump_has_rows_in_every_state(release: Database) -> None:
    rows = await rows_of(release)
    assert [table for table in rows if not rows[table]] == []
    for table in ("events", "outbox", "deliveries"):
        [check] = await release.admin(
            "select pg_get_constraintdef(oid) as states from pg_constraint where conname = $1",
            f"{table}_state_check",
        )
        named = set(re.findall(r"'(\w+)'", check["states"]))
        assert named == {row["state"] for row in rows[f"whatsapp.{table}"]}


@pytest.mark.parametrize("state", range(RELEASED, len(FILES)))
async def test_the_rest_applies_on_every_state_since_the_release_and_keeps_its_rows(
    release: Database, straight: Shape, state: int, tmp_path: Path
) -> None:
    before = await rows_of(release)
    await migrate(release.url("postgres"), first(state, tmp_path / "earlier"))
    await an_account_can_be_deleted(release)
    assert await migrate(release.url("postgres"), MIGRATIONS) == [file.stem for file in FILES[state:]]
    after = await rows_of(release)
    assert lost_columns(before, after) == DROPPED
    kept = {table: after[table] for table in before}
    assert without(kept, added_columns(before, kept)) == without(before, DROPPED)
    assert await shape_of(release) == straight
    assert [tuple(row) for row in await release.admin(CATALOG)] == []


async def an_account_can_be_deleted(database: Database) -> None:
    """Also between two migrations, when an old function may meet a new column; rolled back."""
    connection = await asyncpg.connect(database.url("supabase_auth_admin"))
    transaction = connection.transaction()
    await transaction.start()
    assert await connection.execute("delete from auth.users where email = 'ada@people.example'") == "DELETE 1"
    await transaction.rollback()
    await connection.close()


async def test_the_services_of_the_release_keep_their_rights_and_functions(
    release: Database, straight: Shape
) -> None:
    """What a running 0.1.0 uses: functions with these types, none of the grants less, the same policies."""

    def rights(shape: Shape) -> Shape:
        named = [row for row in shape if row[0] in ("function", "relation", "column", "schema")]
        granted = [(*row[:2], one, None) for row in named for one in ("here", *single_grants(row[3] or ""))]
        return granted + [(*row[:2], row[3], row[2]) for row in shape if row[0] == "policy"]

    gone = set(rights(await shape_of(release))) - set(rights(straight))
    assert {name for _, name, *_ in gone} == DROPPED


def single_grants(privileges: str) -> list[str]:
    """`{a=rw/b}` as `a=r/b` and `a=w/b`: a right more is none less."""
    items = re.findall(r"([^,{}=]*)=([a-zA-Z*]+)/([^,{}]+)", privileges)
    return [f"{who}={one}/{by}" for who, rights, by in items for one in re.findall(r"[a-zA-Z]\*?", rights)]


async def test_the_names_of_stored_rows_are_filled_in(release: Database) -> None:
    await migrate(release.url("postgres"), MIGRATIONS)
    unnamed = await release.admin(
        "select id from whatsapp.deliveries where (state = 'split') <> (names is not null)"
        " union all select id from whatsapp.events where (contact_id is null) <> (names is not null)"
    )
    assert unnamed == []
    [reaction] = await release.admin("select names from whatsapp.events where key = 'wamid.reaction'")
    assert set(reaction["names"]) >= {"4915112345678", "DE.1111111111", "wamid.reaction", "wamid.done"}


async def test_an_account_of_the_release_is_deleted_without_a_trace(release: Database) -> None:
    await migrate(release.url("postgres"), MIGRATIONS)
    ada = await release.admin("select id from auth.users where email = 'ada@people.example'")
    words = (str(ada[0]["id"]), "4915112345678", "DE.1111111111", "Good morning", "wamid.done")
    assert await tables_with(release, *words) >= {"whatsapp.deliveries", "whatsapp.events", "public.messages"}
    await release.admin("update whatsapp.deliveries set state = 'split' where state = 'new'")
    await release.admin("delete from auth.users where id = $1", ada[0]["id"])
    # The audit log keeps the id; what could not be read is kept until its retention ends.
    assert await tables_with(release, *words) == {"accounts.audit", "whatsapp.deliveries"}
    kept = await release.admin(
        "select state from whatsapp.deliveries where body like '%4915112345678%'::bytea"
    )
    assert [row["state"] for row in kept] == ["quarantined"]


async def tables_with(database: Database, *words: str) -> set[str]:
    """The tables in which one of these stands, as text or in bytes."""
    spelt = [spelling for word in words for spelling in (word, word.encode().hex())]
    rows = await rows_of(database)
    return {table for table in rows if any(word in json.dumps(rows[table]) for word in spelt)}


async def test_accounts_from_before_the_first_migration_get_their_row(empty: Database) -> None:
    person = await empty.person()
    await migrate(empty.url("postgres"), MIGRATIONS)
    [row] = await empty.admin("select id from public.users")
    assert row["id"] == person


async def test_deleting_an_account_deletes_everything_of_theirs(empty: Database) -> None:
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
        await empty.admin(
            "insert into profile.hidden_number_links (user_id, bsuid) values ($1, $2)", who, f"DE.{phone[1:]}"
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


async def test_deleting_an_avatar_keeps_the_log(empty: Database) -> None:
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


async def test_a_sign_up_succeeds_even_when_the_trigger_cannot_add_the_user(empty: Database) -> None:
    await migrate(empty.url("postgres"), MIGRATIONS)
    await empty.admin("alter table public.users add constraint broken check (false)")
    person = await empty.person()
    [account] = await empty.admin("select id from auth.users")
    assert account["id"] == person
    assert await empty.admin("select id from public.users") == []


async def test_a_migration_that_fails_leaves_nothing_behind_and_says_so(
    empty: Database, tmp_path: Path
) -> None:
    folder = first(len(FILES), tmp_path / "broken")
    (folder / "20991231000000_broken.sql").write_text("create table public.half (id int); select 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty.url("postgres"), folder)
    assert await empty.admin("select 1 from pg_class where relname = 'half'") == []
    assert await migrate(empty.url("postgres"), MIGRATIONS) == []


async def test_ids_rise_with_time_and_are_version_seven(empty: Database) -> None:
    await migrate(empty.url("postgres"), MIGRATIONS)
    rows = await empty.admin("select public.uuid_v7() as id from generate_series(1, 5000)")
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))
    assert {(made.version, made.variant) for made in ids} == {(7, uuid4().variant)}


@pytest.mark.usefixtures("processes")
def test_squawk_would_warn(tmp_path: Path) -> None:
    (tmp_path / "bad.sql").write_text("alter table public.messages drop column content;")
    squawk = Path(sys.executable).with_name("squawk")
    command: list[str | Path] = [squawk, "--config", ROOT / ".squawk.toml", tmp_path / "bad.sql"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
