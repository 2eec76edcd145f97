"""Prepares the database for the services, as a step of its own: roles, migrations, passwords."""

import asyncio
import json
import os
from collections.abc import Mapping

import asyncpg

from ava_local.postgres.migrations import migrate
from ava_local.postgres.supabase_baseline import apply_supabase_baseline, set_passwords
from ava_local.repository import ROOT

PRIVILEGE_HINT = "Let AVA_DATABASE_ADMIN_URL name a superuser, or (a Supabase project) set SUPABASE_URL too."
MIGRATIONS = ROOT / "supabase" / "migrations"


async def set_up_database(admin_url: str, migration_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Repeatable; the addresses are login URLs; returns the names of the migrations that were new."""
    await apply_supabase_baseline(admin_url, passwords)
    applied = await migrate(migration_url, MIGRATIONS)
    await set_passwords(admin_url, passwords)
    return applied


def main() -> None:
    told = os.environ
    administrator, migrator = told["AVA_DATABASE_ADMIN_URL"], told["AVA_DATABASE_MIGRATOR_URL"]
    try:
        applied = asyncio.run(
            set_up_database(administrator, migrator, json.loads(told["AVA_DATABASE_PASSWORDS"]))
        )
    except asyncpg.InsufficientPrivilegeError as refusal:
        raise SystemExit(f"{refusal}. {PRIVILEGE_HINT}") from None
    except (OSError, asyncpg.PostgresError) as trouble:
        raise SystemExit(f"The database could not be made ready: {trouble}") from None
    print(f"migrations applied: {', '.join(applied) or 'none, all were there'}")


if __name__ == "__main__":
    main()
