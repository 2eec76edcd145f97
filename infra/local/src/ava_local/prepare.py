"""Make the database ready for the rooms (`python -m ava_local.prepare`): roles, migrations, passwords."""

import asyncio
import json
import os
from collections.abc import Mapping

import asyncpg

from ava_local.bootstrap import bootstrap, set_passwords
from ava_local.migrations import migrate
from ava_local.places import ROOT

MORE_RIGHTS = "Let AVA_DATABASE_ADMIN_URL name a superuser, or (a Supabase project) set SUPABASE_URL too."
MIGRATIONS = ROOT / "supabase" / "migrations"


async def prepare(administrator: str, migrator: str, passwords: Mapping[str, str]) -> list[str]:
    """Repeatable; the addresses are login URLs; returns the names of the migrations that were new."""
    await bootstrap(administrator, passwords)
    applied = await migrate(migrator, MIGRATIONS)
    await set_passwords(administrator, passwords)
    return applied


def main() -> None:
    told = os.environ
    administrator, migrator = told["AVA_DATABASE_ADMIN_URL"], told["AVA_DATABASE_MIGRATOR_URL"]
    try:
        applied = asyncio.run(prepare(administrator, migrator, json.loads(told["AVA_DATABASE_PASSWORDS"])))
    except asyncpg.InsufficientPrivilegeError as refusal:
        raise SystemExit(f"{refusal}. {MORE_RIGHTS}") from None
    except (OSError, asyncpg.PostgresError) as trouble:
        raise SystemExit(f"The database could not be made ready: {trouble}") from None
    print(f"migrations applied: {', '.join(applied) or 'none, all were there'}")


if __name__ == "__main__":
    main()
