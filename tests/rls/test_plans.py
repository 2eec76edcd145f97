"""Query plans of the log: a page costs the same for heavy and light users, policies included.

Decision 0013. See docs/contracts/postgres.md#plans-under-a-policy.
"""

import json

import asyncpg
import pytest

PAGE = (
    "select id, content from public.messages where user_id = $1 {and_}"
    " order by created_at desc, id desc limit 50"
)
CHANNEL = "and channel = $2"
BEFORE = "and (created_at, id) < (now() - interval '5 hours', '00000000-0000-7000-8000-000000000000')"


@pytest.fixture
async def reader(fresh_seeded):
    """Alice has 30,000 messages and one in a thousand came by WhatsApp; she reads them through messaging."""
    await fresh_seeded.database.admin(
        "insert into public.messages (user_id, channel, role, content, created_at)"
        " select $1, case when n % 1000 = 0 then 'whatsapp' else 'app' end, 'user', 'n',"
        " now() - n * interval '1 s'"
        " from generate_series(1, 30000) as n",
        fresh_seeded.alice,
    )
    await fresh_seeded.database.admin("vacuum analyze public.messages")
    connection = await asyncpg.connect(fresh_seeded.database.url("ava_messaging"))
    async with connection.transaction():
        claims = json.dumps({"sub": str(fresh_seeded.alice), "role": "authenticated"})
        await connection.execute("select set_config('request.jwt.claims', $1, true)", claims)
        yield connection
    await connection.close()


async def plan_of(reader: asyncpg.Connection, sql: str, *args: object) -> str:
    """The plan as it is really executed, the seventh time: when a cached statement might become generic."""
    rows: list[asyncpg.Record] = []
    for _ in range(7):
        rows = await reader.fetch(f"explain (analyze, costs off, timing off, summary off) {sql}", *args)
    return "\n".join(row[0] for row in rows)


def rows_touched(plan: str) -> int:
    return sum(
        int(line.split("Removed by Filter: ")[1]) for line in plan.splitlines() if "Removed by" in line
    )


@pytest.mark.parametrize(
    ("and_", "channel", "index"),
    [
        ("", None, "messages_newest"),
        (CHANNEL, "whatsapp", "messages_newest_whatsapp"),
        (CHANNEL, "app", "messages_newest_app"),
        (BEFORE, None, "messages_newest"),
        (f"{CHANNEL} {BEFORE}", "whatsapp", "messages_newest_whatsapp"),
    ],
)
async def test_a_page_is_read_straight_from_its_index(reader, fresh_seeded, and_, channel, index):
    arguments = [fresh_seeded.alice, *([channel] if channel else [])]
    plan = await plan_of(reader, PAGE.format(and_=and_), *arguments)
    assert f"Index Scan using {index} on messages" in plan
    assert "Sort" not in plan
    assert rows_touched(plan) == 0


async def test_asking_for_another_user_is_refused_before_a_row_is_read(reader, fresh_seeded):
    plan = await plan_of(reader, PAGE.format(and_=""), fresh_seeded.bob)
    assert "One-Time Filter" in plan
    assert "never executed" in plan


@pytest.mark.parametrize("service", ["ava_auth", "ava_profile", "ava_messaging", "ava_whatsapp_gateway"])
async def test_every_service_plans_for_the_user_at_hand_and_has_timeouts(seeded, service):
    connection = await seeded.connection(service)
    settings = await connection.fetch(
        "select name, setting from pg_settings where name in ('plan_cache_mode', 'statement_timeout',"
        " 'lock_timeout', 'idle_in_transaction_session_timeout')"
    )
    assert {row["name"]: row["setting"] for row in settings} == {
        "plan_cache_mode": "force_custom_plan",
        "statement_timeout": "10000",
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "60000",
    }
