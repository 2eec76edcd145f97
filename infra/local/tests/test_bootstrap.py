"""A plain PostgreSQL becomes what hosted Supabase is before the first migration, and stays it."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from ava_local.bootstrap import bootstrap, set_passwords
from ava_local.migrations import files_of, migrate
from ava_local.postgres import SUPERUSER, Cluster
from ava_local.testing import (
    LOGINS,
    MIGRATIONS,
    Database,
    drop_database,
    new_database,
    throw_away_cluster,
)


@pytest_asyncio.fixture(loop_scope="session")
async def plain(cluster: Cluster) -> AsyncIterator[Database]:
    yield await new_database(cluster, "plain")
    await drop_database(cluster, "plain")


async def test_a_second_start_changes_nothing(plain):
    person = await plain.person()
    await bootstrap(plain.url(SUPERUSER), {})
    [row] = await plain.admin("select id from auth.users")
    assert row["id"] == person


async def test_two_starts_at_once_apply_every_migration_once(plain):
    applied = await asyncio.gather(*(migrate(plain.url("postgres"), MIGRATIONS) for _ in range(3)))
    everything = [file.stem for file in files_of(MIGRATIONS)]
    assert sorted(applied, key=len) == [[], [], everything]


async def test_a_password_may_hold_anything_and_unknown_roles_are_passed_over(plain):
    strange = 'it\'s "50%" \\ $1 :) ü@/'
    await set_passwords(plain.url(SUPERUSER), {"authenticator": strange, "nobody_of_this_name": "x"})
    connection = await asyncpg.connect(plain.cluster.url("authenticator", strange, plain.name))
    await connection.close()
    await set_passwords(plain.url(SUPERUSER), dict.fromkeys(LOGINS, plain.password))


async def test_postgres_is_as_limited_as_on_the_platform(plain):
    connection = await asyncpg.connect(plain.url("postgres"))
    try:
        for sql in (
            "create table auth.mine (id int)",
            "alter table auth.users add column mine text",
            "alter role postgres superuser",
            "create extension plpython3u",
            "set session_replication_role = replica",
            "select pg_read_file('postgresql.conf')",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)):
                await connection.execute(sql)
        await connection.execute("select count(*) from auth.users")
    finally:
        await connection.close()


async def test_without_our_migrations_a_new_table_is_as_open_as_on_the_platform(plain):
    """What makes the revokes in the migrations necessary, and this stand-in honest."""
    connection = await asyncpg.connect(plain.url("postgres"))
    await connection.execute("create table public.t (id int)")
    await connection.close()
    rows = await plain.admin(
        "select privilege_type as what from pg_class cross join aclexplode(relacl)"
        " where relname = 't' and grantee = 'anon'::regrole"
    )
    left_over = {row["what"] for row in rows}
    assert {"REFERENCES", "TRIGGER", "TRUNCATE"} <= left_over
    assert not {"SELECT", "INSERT", "UPDATE", "DELETE"} & left_over


async def test_a_server_whose_superuser_is_postgres_is_taken_as_it_is():
    """AVA_DATABASE_ADMIN_URL may name any PostgreSQL; its superuser's password and rights stay."""
    with throw_away_cluster() as server:
        admin = await asyncpg.connect(server.url())
        await admin.execute("create role postgres superuser login password 'their own'")
        await admin.close()
        theirs = server.url("postgres", "their own")
        await bootstrap(theirs, {"ava_profile": "not there yet"})
        assert await migrate(theirs, MIGRATIONS)
        await set_passwords(theirs, {"ava_profile": "now it is"})
        connection = await asyncpg.connect(server.url("ava_profile", "now it is"))
        assert await connection.fetch("select * from public.avatars") == []
        await connection.close()
        assert await migrate(theirs, MIGRATIONS) == []
