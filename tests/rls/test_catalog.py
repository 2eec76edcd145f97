"""Rules about tables, policies, functions and roles, checked in the catalog, and proof that each can fail.

Decision 0014. See docs/contracts/postgres.md#rights-of-what-is-created-later.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from .conftest import SeededDatabase

CATALOG = Path(__file__).with_name("catalog.sql").read_text(encoding="utf-8")
TABLE = (
    "create table public.t (id bigint primary key, user_id uuid not null);"
    " comment on table public.t is 'one of the tests'; "
)
SAFE = (
    TABLE
    + "alter table public.t enable row level security; alter table public.t force row level security; "
    + "revoke all on public.t from public, anon, authenticated, service_role; "
)
MINE = "create policy mine on public.t for select to authenticated using (user_id = (select auth.uid())); "
GOOD = SAFE + MINE + "create index on public.t (user_id); "
FUNCTION = (
    "create function %s returns int language sql%s as 'select 1';"
    " comment on function ava_private.f is 'one of the tests'; "
)
UNCOMMENTED = "create function ava_private.f(%s) returns int language %s set search_path = '' as $f$%s$f$"
UNDESCRIBED = "a schema, table, type or function does not say what it is for"


async def broken_rules(connection: asyncpg.Connection) -> set[str]:
    return {row["rule"] for row in await connection.fetch(CATALOG)}


@pytest.fixture
async def as_postgres(seeded: SeededDatabase) -> AsyncIterator[asyncpg.Connection]:
    """The role that runs migrations, in a transaction that is rolled back."""
    connection = await asyncpg.connect(seeded.database.url("postgres"))
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def test_the_catalog_breaks_no_rule(as_postgres: asyncpg.Connection) -> None:
    assert [tuple(row) for row in await as_postgres.fetch(CATALOG)] == []


async def test_a_well_protected_table_breaks_no_rule(as_postgres: asyncpg.Connection) -> None:
    await as_postgres.execute(GOOD)
    assert await broken_rules(as_postgres) == set()


async def test_what_a_migration_forgets_to_protect_is_closed_and_found(
    as_postgres: asyncpg.Connection,
) -> None:
    await as_postgres.execute(TABLE + FUNCTION % ("ava_private.f()", ""))
    assert await broken_rules(as_postgres) == {
        "a table in public has no row-level security",
        "a function runs with a search path that the caller chooses",
    }
    for role in ("anon", "authenticated", "service_role", "ava_profile"):
        privileges = (
            "select has_table_privilege($1, 'public.t', 'select, insert, update, delete, truncate, trigger')"
        )
        assert not await as_postgres.fetchval(privileges, role)
        assert not await as_postgres.fetchval(
            "select has_function_privilege($1, 'ava_private.f()', 'execute')", role
        )


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ("a table in public has no row-level security", TABLE),
        (
            "row-level security does not bind the owner",
            GOOD + "alter table public.t no force row level security",
        ),
        ("a table has row-level security and no policy", SAFE),
        ("no index leads with a column of the policy", SAFE + MINE),
        (
            "no index leads with a column of the policy",
            SAFE
            + MINE
            + "create index on public.t (user_id) where id > 5; create index on public.t (id, user_id)",
        ),
        (
            "a policy applies to every role",
            GOOD + "create policy p on public.t using (user_id = (select auth.uid()))",
        ),
        (
            "a policy in public does not check who is asking",
            GOOD + "create policy p on public.t to anon using (true)",
        ),
        (
            "a policy calls an auth function for every row",
            GOOD + "create policy p on public.t for delete to authenticated using (user_id = auth.uid())",
        ),
        (
            "a policy trusts metadata that users can edit",
            GOOD
            + "create policy p on public.t for delete to authenticated using (user_id = (select auth.uid())"
            " and (select auth.jwt()) -> 'user_metadata' ->> 'admin' = 'true')",
        ),
        (
            "an update policy lets users give a row away",
            GOOD
            + "create policy p on public.t for update to authenticated using (user_id = (select auth.uid()))",
        ),
        ("a view runs with its owner's rights", "create view public.v as select * from public.messages"),
        (
            "row-level security cannot guard this kind of relation",
            "create materialized view public.v as select * from public.messages",
        ),
        (
            "a right to empty, reference, trigger on or maintain a table is granted",
            "grant truncate on public.messages to ava_messaging",
        ),
        ("an unexpected grant", "grant select on public.messages to anon"),
        ("an unexpected grant", "grant select (content) on public.messages to service_role"),
        ("an unexpected grant", "grant insert on public.messages to authenticated"),
        ("an unexpected grant", "grant select on public.messages to public"),
        ("an unexpected grant", "create sequence public.s; grant usage on sequence public.s to anon"),
        ("a table is granted to more than one service", "grant select on public.messages to ava_profile"),
        (
            "a table in a private schema is granted to a service that does not own it",
            "grant select on accounts.audit to ava_profile",
        ),
        (
            "a function runs with a search path that the caller chooses",
            FUNCTION % ("ava_private.f()", " set search_path = public"),
        ),
        (
            "a function with its owner's rights is in an open schema",
            "create function public.f() returns int language sql security definer set search_path = ''"
            " as 'select 1'",
        ),
        (
            "a function can be executed by a role it is not for",
            "grant execute on function ava_private.users_for_phones(text[], text) to ava_profile",
        ),
        (
            "a function can be executed by a role it is not for",
            FUNCTION % ("ava_private.f()", " set search_path = ''")
            + "grant execute on function ava_private.f() to service_role",
        ),
        ("a schema is open to a role it is not for", "grant usage on schema whatsapp to authenticated"),
        ("a schema is open to a role it is not for", "grant create on schema public to ava_profile"),
        (
            "what postgres creates next would be open",
            "alter default privileges in schema public grant select on tables to anon",
        ),
        (
            "what postgres creates next would be open",
            "alter default privileges grant execute on functions to public",
        ),
        ("a service's role can do more than log in", "alter role ava_profile createdb"),
        ("a service's role is a member of another role", "grant authenticated to ava_profile"),
        ("a role can become a service's role", "grant ava_profile to authenticator"),
        ("any role can create temporary tables", "grant temporary on database seeded to public"),
        (
            "an account's rows outlive it",
            "create table whatsapp.t (user_id uuid references public.users on delete set null)",
        ),
        (UNDESCRIBED, "create schema mute"),
        (UNDESCRIBED, GOOD + "comment on table public.t is null"),
        (UNDESCRIBED, "comment on table whatsapp.events is ''"),
        (UNDESCRIBED, "create type public.mood as enum ('calm')"),
        (UNDESCRIBED, UNCOMMENTED % ("", "sql", "select 1")),
        ("a column does not say what it is for", GOOD + "alter table public.t add column mood text"),
        ("a column does not say what it is for", "comment on column whatsapp.lanes.token is null"),
        (
            "a parameter of a function could be taken for a column",
            UNCOMMENTED % ("state text, out verdict int", "sql", "select 1"),
        ),
        (
            "an index depends on one of our functions",
            UNCOMMENTED % ("p_x text", "sql immutable", "select 1")
            + "; create index on public.messages (ava_private.f(role))",
        ),
        (
            "a function leaves it to PostgreSQL whether a name is a variable or a column",
            UNCOMMENTED % ("p_x int", "plpgsql", "#variable_conflict use_column\nbegin return 1; end"),
        ),
    ],
)
async def test_a_planted_violation_is_found(as_postgres: asyncpg.Connection, rule: str, sql: str) -> None:
    await as_postgres.execute(sql)
    assert rule in await broken_rules(as_postgres)


async def test_service_role_can_execute_the_look_up_and_nothing_else(as_postgres: asyncpg.Connection) -> None:
    executable = await as_postgres.fetch(
        "select f.oid::regprocedure::text as name"
        " from pg_proc f join pg_namespace n on n.oid = f.pronamespace"
        " where n.nspname not in ('pg_catalog', 'information_schema', 'auth', 'extensions')"
        " and has_function_privilege('service_role', f.oid, 'execute')"
    )
    assert [row["name"] for row in executable] == ["ava_private.users_for_phones(text[],text)"]
    readable = await as_postgres.fetch(
        "select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname not in ('pg_catalog', 'information_schema') and c.relkind <> 'i'"
        " and (has_any_column_privilege('service_role', c.oid, 'select, insert, update, references')"
        " or has_table_privilege('service_role', c.oid, 'delete, truncate, trigger'))"
    )
    assert [row["name"] for row in readable] == []
