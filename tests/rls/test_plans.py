"""Query plans: a page costs the same for heavy and light users, and a deleted account's names are found.

Decisions 0013 and 0162. See docs/contracts/postgres.md#plans-under-a-policy.
"""

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from .conftest import SeededDatabase

PAGE = (
    "select id, content from public.messages where user_id = $1 {and_}"
    " order by created_at desc, id desc limit 50"
)
BEFORE = "and (created_at, id) < (now() - interval '5 hours', '00000000-0000-7000-8000-000000000000')"


@pytest.fixture
async def reader(fresh_seeded: SeededDatabase) -> AsyncIterator[asyncpg.Connection]:
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


@pytest.mark.parametrize("and_", ["", BEFORE])
async def test_a_page_is_read_straight_from_its_index(
    reader: asyncpg.Connection, fresh_seeded: SeededDatabase, and_: str
) -> None:
    plan = await plan_of(reader, PAGE.format(and_=and_), fresh_seeded.alice)
    assert "Index Scan using messages_newest on messages" in plan
    assert "Sort" not in plan
    assert rows_touched(plan) == 0


async def test_asking_for_another_user_is_refused_before_a_row_is_read(
    reader: asyncpg.Connection, fresh_seeded: SeededDatabase
) -> None:
    plan = await plan_of(reader, PAGE.format(and_=""), fresh_seeded.bob)
    assert "One-Time Filter" in plan
    assert "never executed" in plan


FUNCTION = """
select content from messaging.page_4(
  p_claims => $1, p_newest_first => $2, p_channel => $3, p_role => null, p_avatar_id => null, p_since => null,
  p_until => null, p_like => $5, p_after_created_at => $4::timestamptz,
  p_after_id => '00000000-0000-7000-8000-000000000000', p_limit => 50, p_examined => 60)
"""
READ = """
select coalesce(sum(idx_tup_fetch) filter (where relname = 'messages'), 0)::int,
  coalesce(sum(seq_scan) filter (where relname = 'messages'), 0)::int
from pg_stat_xact_user_tables
"""


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("in_the_middle", [False, True])
async def test_the_function_reads_no_more_rows_than_it_returns(
    reader: asyncpg.Connection, fresh_seeded: SeededDatabase, newest_first: bool, in_the_middle: bool
) -> None:
    claims = json.dumps({"sub": str(fresh_seeded.alice), "role": "authenticated"})
    middle = await reader.fetchval("select now() - interval '4 hours'") if in_the_middle else None
    [before] = await reader.fetch(READ)
    rows = await reader.fetch(FUNCTION, claims, newest_first, None, middle, None)
    [after] = await reader.fetch(READ)
    assert len(rows) == 50
    assert (after[0] - before[0], after[1] - before[1]) == (50, 0)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(("channel", "like"), [(None, "%nowhere%"), ("whatsapp", None)])
async def test_a_search_that_finds_nothing_reads_no_more_rows_than_it_may(
    reader: asyncpg.Connection,
    fresh_seeded: SeededDatabase,
    newest_first: bool,
    channel: str | None,
    like: str | None,
) -> None:
    claims = json.dumps({"sub": str(fresh_seeded.alice), "role": "authenticated"})
    middle = await reader.fetchval("select now() - interval '4 hours 1 s'")
    [before] = await reader.fetch(READ)
    [end] = await reader.fetch(FUNCTION, claims, newest_first, channel, middle, like)
    [after] = await reader.fetch(READ)
    assert end
    assert (after[0] - before[0], after[1] - before[1]) == (60, 0)


NEWEST = """
select messaging.newest_page(
  p_claims => $1, p_before_created_at => $2::timestamptz, p_before_id => $3, p_limit => 50)
"""
APPEND = """
select * from messaging.append(p_claims => $1, p_id => null, p_avatar_id => null, p_own_avatar => true,
  p_channel => 'app', p_role => 'user', p_content => 'n', p_external_id => $2, p_sent_at => null,
  p_wanted => null)
"""
APPEND_2 = """
select messaging.append_2(p_claims => $1, p_id => gen_random_uuid(), p_avatar_id => null,
  p_own_avatar => true, p_channel => 'app', p_role => 'user', p_content => 'n',
  p_external_id => 'app:new ' || $2, p_sent_at => null, p_wanted => null)
"""
SCANNED = """
select coalesce(sum(idx_tup_fetch) filter (where relname = 'messages'), 0)::int,
  array_agg(relname::text) filter (where seq_scan > 0)
from pg_stat_xact_user_tables
"""
READING = (NEWEST, (None, None), 50), (APPEND, ("app:0",), 2), (APPEND_2, ("app:0",), 1)
FILL = """
insert into public.messages (user_id, channel, role, content, created_at, external_id)
select $1, 'app', 'user', 'n', now() - n * interval '1 s', 'app:' || n from generate_series(1, 20000) as n
"""


@pytest.mark.parametrize("in_the_middle", [False, True])
async def test_the_newest_page_reads_no_more_rows_than_it_returns(
    reader: asyncpg.Connection, fresh_seeded: SeededDatabase, in_the_middle: bool
) -> None:
    claims = json.dumps({"sub": str(fresh_seeded.alice), "role": "authenticated"})
    middle = await reader.fetchval("select now() - interval '4 hours'") if in_the_middle else None
    [before] = await reader.fetch(SCANNED)
    page = await reader.fetchval(NEWEST, claims, middle, fresh_seeded.bob if in_the_middle else None)
    [after] = await reader.fetch(SCANNED)
    assert (len(page), after[0] - before[0], after[1]) == (50, 50, None)


@pytest.mark.parametrize("looked_at_when_empty", [True, False])
async def test_a_plan_that_is_kept_from_an_empty_log_is_right_for_a_full_one(
    fresh_seeded: SeededDatabase, looked_at_when_empty: bool
) -> None:
    """The worst statistics: of empty tables, or none. Nothing says that they have grown since."""
    database, claims = fresh_seeded.database, json.dumps({"sub": str(fresh_seeded.alice)})
    for table in ("public.messages", "public.avatars", "public.users", "auth.users"):
        await database.admin(f"alter table {table} set (autovacuum_enabled = off)")
    await database.admin("delete from public.messages")
    if looked_at_when_empty:
        await database.admin("vacuum analyze")
    connection = await asyncpg.connect(database.url("ava_messaging"))
    try:
        for number in range(-10, 0):
            await connection.fetchval(NEWEST, claims, None, None)
            await connection.fetch(APPEND, claims, f"app:{number}")
            await connection.fetch(APPEND_2, claims, f"{number}")
        for user in (fresh_seeded.alice, fresh_seeded.bob):
            await database.admin(FILL, user)
        for statement, more, rows in READING:
            async with connection.transaction():
                [before] = await connection.fetch(SCANNED)
                await connection.fetch(statement, claims, *more)
                [after] = await connection.fetch(SCANNED)
                assert (after[0] - before[0] <= rows, after[1]) == (True, None), statement
    finally:
        await connection.close()


async def test_a_plan_that_is_kept_is_the_only_one_that_there_is(seeded: SeededDatabase) -> None:
    rows = await seeded.database.admin(
        "select p.oid::regproc::text as name, p.proconfig from pg_proc p"
        " where p.pronamespace in ('messaging'::regnamespace, 'ava_private'::regnamespace)"
        " and 'plan_cache_mode=force_generic_plan' = any (p.proconfig)"
    )
    found = {row["name"]: {"enable_seqscan=off", "enable_sort=off"} & {*row["proconfig"]} for row in rows}
    names = ("own_account", "own_avatar"), ("append", "newest_page", "next_created_at")
    wanted = {
        f"{schema}.{name}"
        for schema, of in zip(("ava_private", "messaging"), names, strict=True)
        for name in of
    }
    assert found.keys() >= wanted
    assert all(found.values())


async def test_a_message_that_is_there_already_is_found_by_its_keys(
    reader: asyncpg.Connection, fresh_seeded: SeededDatabase
) -> None:
    await fresh_seeded.database.admin(FILL, fresh_seeded.bob)
    await fresh_seeded.database.admin("vacuum analyze public.messages")
    claims = json.dumps({"sub": str(fresh_seeded.bob)})
    [before] = await reader.fetch(SCANNED)
    [row] = await reader.fetch(APPEND, claims, "app:777")
    [after] = await reader.fetch(SCANNED)
    assert (row["is_new"], row["external_id"], after[1]) == (False, "app:777", None)
    assert after[0] - before[0] <= 3


@pytest.fixture
async def deliveries(fresh_seeded: SeededDatabase) -> AsyncIterator[asyncpg.Connection]:
    """20,000 ingested deliveries and as many events without a contact; a thousandth names one number."""
    names = "array['wamid.' || n, case when n % 1000 = 0 then '4915112345678' else '49151' || n end]"
    await fresh_seeded.database.admin(
        "insert into whatsapp.deliveries (digest, body, state, name_hashes)"  # noqa: S608
        f" select sha256(n::text::bytea), '', 'split', whatsapp.name_hashes({names})"
        " from generate_series(1, 20000) as n"
    )
    await fresh_seeded.database.admin(
        "insert into whatsapp.events (key, kind, state, sent_at, received_at, item, names)"  # noqa: S608
        f" select n::text, 'system', 'ignored', now(), now(), '', {names} from generate_series(1, 20000) as n"
    )
    await fresh_seeded.database.admin(
        "insert into whatsapp.delivery_names (delivery_ids, name_hashes)"
        " select array[id, id], name_hashes from whatsapp.deliveries"
    )
    await fresh_seeded.database.admin(
        "vacuum analyze whatsapp.deliveries, whatsapp.events, whatsapp.delivery_names"
    )
    connection = await asyncpg.connect(fresh_seeded.database.url("postgres"))
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (
            "deliveries_by_name_hash",
            "whatsapp.deliveries where state = 'split'"
            " and (names && $1 or name_hashes && whatsapp.name_hashes($1))",
        ),
        (
            "delivery_names_by_hash",
            "whatsapp.delivery_names where name_hashes && (select whatsapp.name_hashes($1))",
        ),
        ("events_by_name", "whatsapp.events where contact_id is null and names && $1"),
    ],
)
async def test_an_account_deletion_finds_what_names_it_by_an_index(
    deliveries: asyncpg.Connection, index: str, rows: str
) -> None:
    sql = f"select id from {rows}"  # noqa: S608
    plan = await plan_of(deliveries, sql, ["4915112345678", "wamid.none"])
    assert f"Bitmap Index Scan on {index}" in plan
    assert rows_touched(plan) == 0
    assert len(await deliveries.fetch(sql, ["4915112345678", "wamid.none"])) == 20


@pytest.mark.parametrize(
    ("service", "plans", "scans", "compiles"),
    [
        ("ava_auth", "force_generic_plan", "off", "off"),
        ("ava_profile", "force_generic_plan", "off", "off"),
        ("ava_messaging", "force_generic_plan", "off", "off"),
        ("ava_whatsapp_gateway", "force_generic_plan", "off", "off"),
    ],
)
async def test_every_service_plans_as_its_questions_need_and_has_timeouts(
    seeded: SeededDatabase, service: str, plans: str, scans: str, compiles: str
) -> None:
    """Until PostgreSQL 17 a scan that is off and used all the same costs 10^10, and is compiled for it."""
    connection = await seeded.connection(service)
    settings = await connection.fetch(
        "select name, setting from pg_settings where name in ('plan_cache_mode', 'enable_seqscan', 'jit',"
        " 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')"
    )
    assert {row["name"]: row["setting"] for row in settings} == {
        "plan_cache_mode": plans,
        "enable_seqscan": scans,
        "jit": compiles,
        "statement_timeout": "10000",
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "60000",
    }
