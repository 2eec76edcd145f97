"""The Supabase CLI pushes the migrations, agrees with our own history, and its advisors are content.

Decision 0014. See docs/contracts/postgres.md#the-supabase-cli.
"""

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from ava_local.postgres.migrations import migrate, migration_files
from ava_local.repository import ROOT
from ava_local.testing.databases import MIGRATIONS, Database, drop_database, new_database

pytestmark = pytest.mark.timeout(400)  # the first test that needs the npm packages installs them
Supabase = Callable[..., subprocess.CompletedProcess[str]]


@pytest_asyncio.fixture(loop_scope="session")
async def empty(versioned: Database) -> AsyncIterator[Database]:
    yield await new_database(versioned.cluster, "pushed")
    await drop_database(versioned.cluster, "pushed")


@pytest.fixture
def supabase(npm_programs: Path, empty: Database, tmp_path: Path) -> Supabase:
    """The CLI in a copy of our folder, with an empty home and without telemetry."""
    shutil.copytree(ROOT / "supabase", tmp_path / "supabase")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DO_NOT_TRACK": "1",
        "SUPABASE_TELEMETRY_DISABLED": "1",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        remote = f"--remote={empty.url('postgres')}"
        command = [str(npm_programs / "supabase"), *arguments, remote, f"--workdir={tmp_path}"]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


async def test_the_cli_pushes_what_we_have_and_our_runner_has_nothing_left_to_do(
    supabase: Supabase, empty: Database
) -> None:
    pushed = supabase("db", "push", "--yes")
    assert pushed.returncode == 0, pushed.stderr
    history = "select version, name from supabase_migrations.schema_migrations order by version"
    assert [f"{row['version']}_{row['name']}" for row in await empty.admin(history)] == [
        file.stem for file in migration_files(MIGRATIONS)
    ]
    assert await migrate(empty.url("postgres"), MIGRATIONS) == []


async def test_the_cli_accepts_what_our_runner_applied(supabase: Supabase, empty: Database) -> None:
    await migrate(empty.url("postgres"), MIGRATIONS)
    pushed = supabase("db", "push", "--yes")
    assert pushed.returncode == 0, pushed.stderr
    assert "up to date" in pushed.stdout + pushed.stderr


async def test_its_advisors_have_no_objections(supabase: Supabase, empty: Database) -> None:
    await migrate(empty.url("postgres"), MIGRATIONS)
    asked = supabase("db", "advisors", "--fail-on", "warn", "--output-format", "json")
    assert asked.returncode == 0, asked.stdout


async def test_its_advisors_would_object(supabase: Supabase, empty: Database) -> None:
    await migrate(empty.url("postgres"), MIGRATIONS)
    connection = await asyncpg.connect(empty.url("postgres"))
    await connection.execute("create table public.bare (id int); grant select on public.bare to anon")
    await connection.close()
    asked = supabase("db", "advisors", "--fail-on", "error", "--output-format", "json")
    assert asked.returncode == 1
    assert "rls_disabled_in_public" in json.dumps(asked.stdout)


async def test_it_applies_a_file_in_one_transaction(
    supabase: Supabase, empty: Database, tmp_path: Path
) -> None:
    """What a block locks stays locked to the end of its file; a file that fails leaves nothing."""
    await migrate(empty.url("postgres"), MIGRATIONS)
    added = tmp_path / "supabase/migrations/29990101000100_fails.sql"
    added.write_text("""
        create table public.halfway (id int);
        do $$ begin lock table public.users in share mode; end $$;
        do $$ begin
          if not exists (select from pg_locks where relation = 'public.users'::regclass and granted)
            then raise 'the lock is gone'; end if;
        end $$;
        do $$ begin raise 'meant to fail'; end $$;
    """)
    pushed = supabase("db", "push", "--yes")
    assert "meant to fail" in pushed.stderr, pushed.stderr
    assert not (await empty.admin("select to_regclass('public.halfway')"))[0][0]
