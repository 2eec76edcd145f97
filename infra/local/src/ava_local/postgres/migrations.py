"""Applies supabase/migrations in order, and records them where the Supabase CLI looks.

Decision 0014. See docs/contracts/postgres.md#the-supabase-cli.
"""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg

FOLDER = Path("supabase/migrations")
_HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text not null primary key, statements text[], name text
);
"""
_ADVISORY_LOCK_ID = 4_202_611_220


async def migrate(postgres_dsn: str, folder: Path = FOLDER) -> list[str]:
    """Apply pending migrations, each file in one transaction; returns their names.

    `postgres_dsn` is the login URL of the role `postgres`, which is not a superuser. A file that fails leaves
    nothing behind, and the ones before it stay applied. Two runners at once wait for each other.
    """
    connection = await asyncpg.connect(postgres_dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", _ADVISORY_LOCK_ID)
        await connection.execute(_HISTORY)
        rows = await connection.fetch("select version from supabase_migrations.schema_migrations")
        applied = {row["version"] for row in rows}
        pending = [file for file in migration_files(folder) if _version(file) not in applied]
        for file in pending:
            await _apply(connection, file)
        return [file.stem for file in pending]
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection[asyncpg.Record], file: Path) -> None:
    text = file.read_text(encoding="utf-8")  # noqa: ASYNC240
    async with connection.transaction():
        await connection.execute(text)
        await connection.execute(
            "insert into supabase_migrations.schema_migrations (version, name, statements)"
            " values ($1, $2, $3)",
            _version(file),
            file.stem.split("_", 1)[1],
            [text],
        )
    # A file's own `set lock_timeout` and the like must not reach the next one.
    await connection.execute("reset all")


def migration_files(folder: Path) -> list[Path]:
    """The migrations of a folder in order: <digits>_<name>.sql, as the Supabase CLI reads them."""
    return sorted(file for file in folder.glob("*.sql") if re.match(r"\d+_.+\.sql$", file.name))


def _version(file: Path) -> str:
    return file.name.split("_", 1)[0]
