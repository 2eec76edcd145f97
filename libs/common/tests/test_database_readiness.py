"""A database that does not fit is told in words: not migrated, read-only, pooled, away, refused."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest

from ava_common import schema_migrations
from ava_common.database import open_pool
from ava_common.database_readiness import DatabaseReadiness, shares_connections
from ava_common.health import Finding
from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.repository import ROOT
from ava_local.testing.databases import Database
from ava_local.testing.transaction_pooler import transaction_pooler
from ava_local.testing.waiting import eventually

VARIABLE = "KITCHEN_DATABASE_URL"
Open: TypeAlias = Callable[[str], AbstractAsyncContextManager[DatabaseReadiness]]


async def is_ready(asked: DatabaseReadiness) -> bool:
    return await asked.findings() == []


@asynccontextmanager
async def readiness(url: str) -> AsyncIterator[DatabaseReadiness]:
    async with open_pool(url, name="test", size=5) as pool:
        yield DatabaseReadiness(pool, url, VARIABLE)


async def only(url: str) -> str:
    """The one thing that is wrong with it, which keeps the service from working."""
    async with readiness(url) as asked:
        [found] = await asked.findings()
    assert found == Finding("database", found.detail, missing=True)
    assert "a-secret" not in found.detail
    return found.detail


def test_the_migrations_that_are_needed_are_all_that_there_are() -> None:
    files = sorted(file.stem.partition("_")[0] for file in (ROOT / "supabase" / "migrations").glob("*.sql"))
    assert list(schema_migrations.NEEDED) == files, "write them into ava_common/schema_migrations.py"


@pytest.mark.parametrize("role", ["ava_auth", "ava_profile", "ava_messaging"])
async def test_a_database_that_fits_is_ready(database: Database, role: str) -> None:
    async with readiness(database.url(role)) as asked:
        assert await asked.findings() == []


async def test_a_missing_migration_is_named(database: Database) -> None:
    versions = "('20261126000600', '20261128000100')"
    await database.admin(f"delete from supabase_migrations.schema_migrations where version in {versions}")  # noqa: S608
    told = await only(database.url("ava_profile"))
    assert "lacks the migration 20261128000100 and 1 before it" in told
    assert "supabase db push" in told


async def test_a_database_from_before_the_question_lacks_a_migration(database: Database) -> None:
    await database.admin("drop function ava_private.missing_migrations(text[])")
    assert f"lacks the migration {schema_migrations.NEEDED[-1]}" in await only(database.url("ava_profile"))


async def test_readiness_returns_by_itself_when_the_migration_is_applied(database: Database) -> None:
    history = "supabase_migrations.schema_migrations"
    newest = schema_migrations.NEEDED[-1]
    await database.admin(f"update {history} set version = '1' where version = '{newest}'")  # noqa: S608
    async with readiness(database.url("ava_profile")) as asked:
        assert await asked.findings()
        await database.admin(f"update {history} set version = '{newest}' where version = '1'")  # noqa: S608
        assert await asked.findings() == []


async def test_a_read_only_database_is_not_ready(database: Database) -> None:
    await database.admin(f"alter database {database.name} set default_transaction_read_only = on")
    assert "the database is read-only" in await only(database.url("ava_profile"))


async def test_a_transaction_pooler_is_found_while_one_question_at_a_time_works(
    database: Database, cluster: Cluster
) -> None:
    async with transaction_pooler(cluster.port) as port:
        url = database.url("ava_profile").replace(f":{cluster.port}/", f":{port}/")
        assert "transaction pooler" in await only(url)
        async with open_pool(url, name="test", size=5) as pool:
            assert [await pool.fetchval("select 1") for _ in range(5)] == [1] * 5
            assert await shares_connections(pool)


async def test_a_connection_of_its_own_for_each_client_is_no_transaction_pooler(database: Database) -> None:
    async with open_pool(database.url("ava_profile"), name="test", size=5) as pool:
        assert not await shares_connections(pool)


async def test_a_closed_port_is_named_and_does_not_end_the_start(processes: None) -> None:
    port = free_port()
    told = await only(f"postgresql://ava_profile:a-secret@127.0.0.1:{port}/postgres")
    assert told == f"nothing listens at 127.0.0.1:{port} in {VARIABLE}: check host and port"


async def test_a_host_that_takes_the_connection_and_says_nothing_is_named(processes: None) -> None:
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        told = await only(f"postgresql://ava_profile:a-secret@127.0.0.1:{port}/postgres")
    assert told == f"127.0.0.1:{port} in {VARIABLE} does not respond; it is tried again"


async def test_an_unknown_host_is_named(processes: None) -> None:
    told = await only("postgresql://ava_profile:a-secret@no-such-host.invalid:5432/postgres?sslmode=require")
    assert told == f"no-such-host.invalid:5432 in {VARIABLE} is not a known host: check its spelling"


async def test_a_supabase_host_with_ipv6_only_gets_the_hint_about_the_session_pooler(processes: None) -> None:
    host = "db.abcdefghij.supabase.co"
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(host, 5432)
    told = await only(f"postgresql://ava_profile:a-secret@{host}:5432/postgres?sslmode=require")
    assert "IPv6 address only" in told
    assert "session pooler" in told


async def test_a_refused_password_is_waited_for_and_named(database: Database) -> None:
    url = re.sub(r":[^:@]+@", ":a-secret-that-is-wrong@", database.url("ava_profile"))
    async with readiness(url) as asked:
        [now] = await asked.findings()
        assert f"the password of ava_profile in {VARIABLE} is refused" in now.detail
        assert "tried again" in now.detail
        assert await asked.findings() == [now], "the same sentence, which is logged once"


async def test_a_password_that_is_accepted_later_is_used_by_itself(database: Database) -> None:
    url = database.url("ava_profile")
    password = re.search(r":([^:@]+)@", url)
    assert password
    await database.admin("alter role ava_profile password 'of-before'")
    try:
        async with readiness(url) as asked:
            assert await asked.findings()
            await database.admin(f"alter role ava_profile password '{password[1]}'")
            await eventually(lambda: is_ready(asked))
    finally:
        await database.admin(f"alter role ava_profile password '{password[1]}'")


async def test_a_database_that_does_not_exist_is_named(database: Database) -> None:
    told = await only(database.url("ava_profile").replace(database.name, "no_such_database"))
    assert f"the database that {VARIABLE} names does not exist" in told
