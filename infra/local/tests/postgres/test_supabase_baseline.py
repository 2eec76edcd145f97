"""A plain PostgreSQL gets what hosted Supabase has before the first migration, and keeps it."""

import asyncpg
import pytest

from ava_local.postgres.cluster import SUPERUSER
from ava_local.postgres.migrations import migrate
from ava_local.postgres.supabase_baseline import apply_supabase_baseline, set_passwords
from ava_local.testing.databases import (
    LOGIN_ROLES,
    MIGRATIONS,
    Database,
    temporary_cluster,
)


async def test_a_second_start_changes_nothing(plain: Database) -> None:
    person = await plain.person()
    await apply_supabase_baseline(plain.url(SUPERUSER), {})
    [row] = await plain.admin("select id from auth.users")
    assert row["id"] == person


async def test_a_password_may_contain_anything_and_unknown_roles_are_skipped(plain: Database) -> None:
    strange = 'it\'s "50%" \\ $1 :) ü@/'
    await set_passwords(plain.url(SUPERUSER), {"authenticator": strange, "no_such_role": "x"})
    connection = await asyncpg.connect(plain.cluster.url("authenticator", strange, plain.name))
    await connection.close()
    await set_passwords(plain.url(SUPERUSER), dict.fromkeys(LOGIN_ROLES, plain.password))


async def test_postgres_is_as_limited_as_on_the_platform(plain: Database) -> None:
    connection = await asyncpg.connect(plain.url("postgres"))
    try:
        for sql in (
            "create table auth.mine (id int)",
            "alter table auth.users add column mine text",
            "alter role postgres superuser",
            "create extension plpython3u",
            "select pg_read_file('postgresql.conf')",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)):
                await connection.execute(sql)
        await connection.execute("select count(*) from auth.users")
    finally:
        await connection.close()


async def test_without_our_migrations_a_new_table_is_as_open_as_on_the_platform(plain: Database) -> None:
    """The reason why the migrations must revoke these."""
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


@pytest.mark.usefixtures("processes")
async def test_a_server_whose_superuser_is_postgres_is_left_as_it_is() -> None:
    """AVA_DATABASE_ADMIN_URL may name any PostgreSQL; its superuser's password and rights stay."""
    with temporary_cluster() as server:
        admin = await asyncpg.connect(server.url())
        await admin.execute("create role postgres superuser login password 'their own'")
        await admin.close()
        theirs = server.url("postgres", "their own")
        await apply_supabase_baseline(theirs, {"ava_profile": "not there yet"})
        assert await migrate(theirs, MIGRATIONS)
        await set_passwords(theirs, {"ava_profile": "now it is"})
        connection = await asyncpg.connect(server.url("ava_profile", "now it is"))
        assert await connection.fetch("select * from public.avatars") == []
        await connection.close()
        assert await migrate(theirs, MIGRATIONS) == []
