"""What one connection has learned of PostgreSQL's own types, the next does not ask."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg

from ava_common.database import Connection, open_pool
from ava_common.database_types import KnowsTypes
from ava_local.testing.databases import Database, temporary_cluster

LISTS: dict[str, list[Any]] = {
    "bytea[]": [b"\x00", None],
    "bigint[]": [1, 2**40],
    "uuid[]": [uuid4()],
    "timestamptz[]": [datetime.now(UTC)],
    "boolean[]": [True, False],
}
VIEWS = "select viewname from pg_catalog.pg_views where viewname ~ '^pg_stat_'"
COLUMNS = "select attname from pg_catalog.pg_attribute where attrelid = $1::text::regclass order by attnum"


def asked_by(connection: Connection) -> list[str]:
    """What the connection asks from now on."""
    asked: list[str] = []
    connection.add_query_logger(lambda query: asked.append(query.query))
    return asked


async def test_a_second_connection_does_not_ask_about_lists_again(database: Database) -> None:
    async with (
        open_pool(database.url("ava_profile"), name="types", size=2) as pool,
        pool.acquire() as first,
        pool.acquire() as second,
    ):
        asked = asked_by(second)
        for connection in (first, second):
            for kind, value in LISTS.items():
                assert await connection.fetchval(f"select $1::{kind}", value) == value
    assert [query for query in asked if "pg_type" in query] == []
    assert len(asked) == len(LISTS)


async def test_a_list_and_a_type_of_our_own_are_both_understood(database: Database) -> None:
    """Also when a type of the same name is another one by then: only PostgreSQL's own are remembered."""
    statement = "select $1::bigint[] as numbers, $2::smallint[] as small, row(7, '8')::public.pair as pair"
    for word, expected in (("text", "8"), ("integer", 8)):
        await database.admin(f"create type public.pair as (number bigint, word {word})")
        async with open_pool(database.url("ava_profile"), name="types") as pool, pool.acquire() as connection:
            row = await connection.fetchrow(statement, [1], [2])
            assert row is not None
            assert (row["numbers"], row["small"], tuple(row["pair"])) == ([1], [2], (7, expected))
        await database.admin("drop type public.pair")


async def test_a_new_connection_asks_about_no_type_when_it_is_made(database: Database) -> None:
    """Its check for roles that bypass row-level security uses types that asyncpg knows."""
    prepared = "select count(*) from pg_catalog.pg_prepared_statements where starts_with(statement, 'WITH')"
    async with open_pool(database.url("ava_profile"), name="types") as pool, pool.acquire() as connection:
        assert await connection.fetchval(prepared) == 0
        await connection.fetchval("select $1::name[]", ["a"])
        assert await connection.fetchval(prepared) == 1


async def test_what_each_version_numbers_anew_is_asked_about(processes: None) -> None:
    """A process outlives an upgrade of PostgreSQL, after which a view's number is another view's."""
    for version in (16, 18):
        with temporary_cluster(version) as server:
            connection = await asyncpg.connect(server.url(), connection_class=KnowsTypes)
            try:
                views = [row["viewname"] for row in await connection.fetch(VIEWS)]
                await connection.fetch(f"select {', '.join(f'null::{view}' for view in views)}")
                for view in views:
                    row = await connection.fetchval(f"select v from {view} as v limit 1")  # noqa: S608
                    columns = [row["attname"] for row in await connection.fetch(COLUMNS, view)]
                    assert row is None or [*row.keys()] == columns
            finally:
                await connection.close()
