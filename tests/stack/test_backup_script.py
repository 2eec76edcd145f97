"""infra/backup/backup.sh on real databases: every row comes back, and nothing is replaced by accident."""

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from ava_local.postgres.cluster import Cluster
from ava_local.postgres.migrations import migrate
from ava_local.postgres.server_binaries import installed_binaries
from ava_local.stack.backup import SCRIPT
from ava_local.testing.databases import (
    MIGRATIONS,
    TEMPLATE,
    Database,
    drop_database,
    migrated_template,
    new_database,
    temporary_cluster,
)
from rls import schema_snapshots

OPEN = "open when the backup was made: it may have been answered since"


@pytest.fixture(scope="module")
def own_cluster(processes: None) -> Iterator[Cluster]:
    """These tests change passwords of roles, which all databases of a server share."""
    with temporary_cluster() as running:
        asyncio.run(migrated_template(running))
        asyncio.run(_filled(running))
        yield running


async def _filled(running: Cluster) -> None:
    """The rows of release 0.1.0 in every state, migrated."""
    await migrate((await schema_snapshots.restored(running, "source")).url("postgres"), MIGRATIONS)


@pytest.fixture
def source(own_cluster: Cluster) -> Database:
    return Database(own_cluster, "source", own_cluster.password)


@pytest_asyncio.fixture(loop_scope="session")
async def target(own_cluster: Cluster) -> Database:
    await drop_database(own_cluster, "target")
    return await new_database(own_cluster, "target", template=TEMPLATE)


@pytest.fixture
def saved(source: Database, tmp_path: Path) -> Path:
    file = tmp_path / "ava.backup"
    (tmp_path / "profile.env").write_text(
        "# the database\nPROFILE_DATABASE_URL='postgresql://ava_profile.abc:from-the-backup@db.example.org:5432/postgres'\n"
    )
    script(source, "save", file, tmp_path / "profile.env")
    return file


def run(database: Database, *arguments: object) -> subprocess.CompletedProcess[str]:
    programs = installed_binaries(18)
    url = database.url("postgres")  # as on the platform: no superuser
    return subprocess.run(
        [SCRIPT, *map(str, arguments)],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "ADMIN_DATABASE_URL": url,
            "DRILL_DATABASE_URL": url,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def script(database: Database, *arguments: object) -> str:
    done = run(database, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusal(database: Database, *arguments: object) -> str:
    done = run(database, *arguments)
    assert done.returncode == 1
    return done.stderr


def damaged_copies(saved: Path, folder: Path) -> list[Path]:
    """One that was cut off, and one that is something else."""
    half, other = folder / "half", folder / "other"
    half.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    other.write_text("not a backup")
    return [half, other]


async def test_a_drill_restores_every_row_and_says_how_many(
    saved: Path, source: Database, target: Database
) -> None:
    told = script(target, "drill", saved)
    rows = await schema_snapshots.rows_of(source)
    counts = {name: int(count) for count, name in re.findall(r"(\d+) rows  (\S+)", told)}
    assert {table: counts[table] for table in rows if rows[table]} == {
        table: len(found) for table, found in rows.items() if found
    }
    assert {"auth.identities", "auth.sessions", "auth.refresh_tokens"} <= set(counts)
    assert "every row is as it was saved" in told
    assert await schema_snapshots.rows_of(target) == rows


async def test_no_table_with_data_is_left_out(source: Database) -> None:
    listed = re.findall(r'^SCHEMAS="(.+)"$', SCRIPT.read_text(), re.MULTILINE)[0].split()
    ours = await source.admin(
        "select distinct schemaname from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema', 'supabase_migrations')"
    )
    assert {row["schemaname"] for row in ours} <= set(listed)


async def test_new_rows_follow_the_restored_ones(saved: Path, target: Database) -> None:
    script(target, "restore", "--resume", saved)
    [row] = await target.admin(
        "insert into whatsapp.deliveries (digest, body) values (sha256('new'), 'new')"
        " returning id > (select max(id) from whatsapp.deliveries) as is_last"
    )
    assert row["is_last"]


async def test_what_was_open_is_set_aside_unless_nothing_ran_since(
    saved: Path, source: Database, target: Database
) -> None:
    open_events = await source.admin(
        "select id from whatsapp.events where state in ('ready', 'awaiting', 'held') order by id"
    )
    new_deliveries = await source.admin("select id from whatsapp.deliveries where state = 'new' order by id")
    assert open_events
    script(target, "restore", saved)
    events = await target.admin("select id, state from whatsapp.events where reason = $1 order by id", OPEN)
    assert [(row["id"], row["state"]) for row in events] == [
        (row["id"], "quarantined") for row in open_events
    ]
    deliveries = await target.admin("select id from whatsapp.deliveries where error = $1 order by id", OPEN)
    assert deliveries == new_deliveries
    assert await target.admin("select from whatsapp.lanes") == []


async def test_accounts_are_replaced_only_on_request(saved: Path, target: Database) -> None:
    newer = await target.person("newer@people.example")
    assert "--overwrite" in refusal(target, "restore", saved)
    script(target, "restore", "--overwrite", saved)
    assert await target.admin("select from auth.users where id = $1", newer) == []


async def test_a_damaged_backup_changes_nothing(saved: Path, target: Database, tmp_path: Path) -> None:
    person = await target.person()
    for damaged in damaged_copies(saved, tmp_path):
        assert refusal(target, "restore", "--overwrite", damaged)
    assert len(await target.admin("select from public.users where id = $1", person)) == 1


async def test_another_schema_is_refused_and_both_last_migrations_are_named(
    saved: Path, target: Database
) -> None:
    await target.admin(
        "insert into supabase_migrations.schema_migrations (version) values ('20990101000000')"
    )
    assert "20990101000000" in refusal(target, "restore", saved)


async def test_the_roles_get_the_passwords_of_the_saved_env_files(saved: Path, target: Database) -> None:
    told = script(target, "restore", "--passwords", saved)
    assert told == "password set: ava_profile\n"
    url = target.cluster.url("ava_profile", "from-the-backup", target.name)
    connection = await asyncpg.connect(url)
    await connection.close()


def test_a_backup_is_private_and_never_overwritten(saved: Path, source: Database) -> None:
    assert saved.stat().st_mode & 0o077 == 0
    before = saved.read_bytes()
    assert "exists already" in refusal(source, "save", saved)
    assert saved.read_bytes() == before


def test_a_backup_needs_no_files_beside_the_database_but_takes_only_such_that_exist(
    source: Database, tmp_path: Path
) -> None:
    script(source, "save", tmp_path / "bare")
    assert "missing.env" in refusal(source, "save", tmp_path / "with", tmp_path / "missing.env")
    assert [file.name for file in tmp_path.iterdir()] == ["bare"]


def test_what_is_missing_is_named(source: Database, tmp_path: Path) -> None:
    assert "backup save" in refusal(source)
    assert "there is no file" in refusal(source, "restore", tmp_path / "nothing")
