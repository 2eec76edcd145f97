"""Actions on many events: all that match, the oldest first, and how many of how many."""

import asyncpg
import pytest

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.operator import actions
from ava_whatsapp_gateway.operator.filters import Filters

from .conftest import Operate
from .state_watch import put_events

DEAD = Filters(states=["dead"])


async def ready(database: Database) -> list[str]:
    rows = await database.admin("select key from whatsapp.events where state = 'ready' order by key")
    return [row["key"] for row in rows]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_an_action_takes_all_that_match(database: Database, dry_run: bool) -> None:
    keys = await put_events(database, "dead", 1200)
    connection = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        applied = await actions.apply(connection, actions.replay, DEAD, dry_run=dry_run)
    finally:
        await connection.close()
    assert (applied.matched, applied.changed) == (1200, 1200)
    assert [row["key"] for row in applied.rows] == keys
    assert await ready(database) == ([] if dry_run else keys)


async def test_a_limit_takes_the_oldest_and_says_how_many_there_are(
    database: Database, operator: Operate
) -> None:
    keys = await put_events(database, "dead", 130)
    assert "30 of 130 events would change" in operator(
        "replay", "--state", "dead", "--limit", "30", "--dry-run"
    )
    assert "30 of 130 events changed" in operator("replay", "--state", "dead", "--limit", "30")
    assert await ready(database) == keys[:30]
    assert "100 of 100 events changed" in operator("discard", "--state", "dead")


async def test_a_list_is_the_newest_and_says_that_there_are_more(
    database: Database, operator: Operate
) -> None:
    keys = await put_events(database, "dead", 130)
    printed = operator("list", "--state", "dead").splitlines()
    assert printed[0].split()[:2] == ["id", "state"]
    assert keys[-1] in printed[1]
    assert printed[-1] == "100 of 130 events; --limit N shows more"
    assert operator("list", "--state", "dead", "--limit", "200").splitlines()[-1] == "130 of 130 events"


async def test_what_an_action_does_not_apply_to_is_named(database: Database, operator: Operate) -> None:
    await put_events(database, "ready", 1)
    said = operator("replay", "--state", "ready")
    assert "it is ready" in said
    assert "0 of 1 event changed" in said
