"""Make the database ready for the rooms (`python -m ava_local.prepare`): roles, migrations, passwords."""

import asyncio

from ava_local.bootstrap import bootstrap, set_passwords
from ava_local.environment import Environment, given
from ava_local.migrations import migrate
from ava_local.places import ROOT, Places
from ava_local.secrets import keep

MIGRATIONS = ROOT / "supabase" / "migrations"


async def prepare(environment: Environment) -> list[str]:
    """Repeatable; returns the names of the migrations that were new."""
    administrator, passwords = environment.administrator(), environment.passwords()
    await bootstrap(administrator, passwords)
    applied = await migrate(environment.migrator(), MIGRATIONS)
    await set_passwords(administrator, passwords)
    return applied


def main() -> None:
    places = Places.chosen()
    environment = Environment(places, keep(places.state / "secrets.json"), given())
    applied = asyncio.run(prepare(environment))
    print(f"migrations applied: {', '.join(applied) or 'none, all were there'}")


if __name__ == "__main__":
    main()
