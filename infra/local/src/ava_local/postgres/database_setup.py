"""Sets up the database for the services, as a one-shot step: roles, migrations, passwords."""

import asyncio
import json
import os
from collections.abc import Mapping

import asyncpg

from ava_common import database_url
from ava_common.database_failures import explain
from ava_common.database_readiness import shares_connections
from ava_local.postgres.migrations import migrate
from ava_local.postgres.supabase_baseline import apply_supabase_baseline, set_passwords
from ava_local.repository import ROOT

PRIVILEGE_HINT = (
    "Point AVA_DATABASE_ADMIN_URL at a superuser or, for a Supabase project, set SUPABASE_URL too."
)
CONNECT_SECONDS = 4.0
MIGRATIONS = ROOT / "supabase" / "migrations"


async def set_up_database(admin_url: str, migration_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Safe to repeat. Takes login URLs; returns the names of the migrations it applied.

    Raises SystemExit, naming the variable, when the database cannot be reached.
    """
    await require_reachable(admin_url)
    await require_own_connections(admin_url)
    await apply_supabase_baseline(admin_url, passwords)
    applied = await migrate(migration_url, MIGRATIONS)
    await set_passwords(admin_url, passwords)
    return applied


async def require_reachable(admin_url: str) -> None:
    try:
        connection = await asyncpg.connect(admin_url, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        words = await explain(error, database_url.address(admin_url), "AVA_DATABASE_ADMIN_URL")
        raise SystemExit(f"Database setup failed: {words}.") from None
    await connection.close()


async def require_own_connections(admin_url: str) -> None:
    """Through a transaction pooler the lock of the migrations would be another client's, and waited for."""
    async with (
        asyncio.timeout(CONNECT_SECONDS),
        asyncpg.create_pool(admin_url, min_size=2, max_size=2) as pool,
    ):
        shared = await shares_connections(pool)
    if shared:
        words = database_url.TRANSACTION_POOLER
        raise SystemExit(f"Database setup failed: AVA_DATABASE_ADMIN_URL {words}.")


def main() -> None:
    variables = os.environ
    administrator, migrator = variables["AVA_DATABASE_ADMIN_URL"], variables["AVA_DATABASE_MIGRATOR_URL"]
    try:
        applied = asyncio.run(
            set_up_database(administrator, migrator, json.loads(variables["AVA_DATABASE_PASSWORDS"]))
        )
    except asyncpg.InsufficientPrivilegeError as error:
        raise SystemExit(f"{error}. {PRIVILEGE_HINT}") from None
    except (OSError, asyncpg.PostgresError) as error:
        raise SystemExit(f"Database setup failed: {error}") from None
    print(f"migrations applied: {', '.join(applied) or 'none (up to date)'}")


if __name__ == "__main__":
    main()
