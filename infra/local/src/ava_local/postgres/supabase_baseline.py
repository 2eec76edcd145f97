"""Gives a plain PostgreSQL what hosted Supabase has before the first migration.

Decision 0010. See docs/contracts/postgres.md#hosted-baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import asyncpg

from ava_local.postgres.scram import scram_verifier


async def apply_supabase_baseline(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """Create roles, schemas and the auth tables in the database of `admin_dsn`; safe to repeat.

    `admin_dsn` is a superuser's login URL. A database that already has an auth schema (hosted Supabase, or
    an earlier start) is left as it is. `passwords` maps login roles to passwords; see `set_passwords`.
    """
    connection = await asyncpg.connect(admin_dsn)
    try:
        if await connection.fetchval("select to_regnamespace('auth') is null"):
            async with connection.transaction():
                await connection.execute(_sql("roles"))
                await connection.execute(_sql("extensions_and_grants"))
                await connection.execute("set local role supabase_auth_admin; set local search_path = auth")
                await connection.execute(_sql("auth_schema"))
    finally:
        await connection.close()
    await set_passwords(admin_dsn, passwords)


async def set_passwords(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """Set the passwords of these roles, as SCRAM verifiers; roles that do not exist (yet) are skipped.

    The migrations create the services' roles, so this runs again after them.
    """
    connection = await asyncpg.connect(admin_dsn)
    try:
        for role, password in passwords.items():
            statement = await connection.fetchval(
                "select format('alter role %I password %L', rolname, $2::text)"
                " from pg_roles where rolname = $1 and rolcanlogin",
                role,
                scram_verifier(password),
            )
            if statement:
                await connection.execute(statement)
    finally:
        await connection.close()


def _sql(name: str) -> str:
    return files("ava_local.postgres").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
