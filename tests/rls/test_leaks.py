"""What another user could find out or change without reading a row: every side channel we know of.

See docs/contracts/postgres.md#row-level-security.
"""
# ruff: noqa: S608

from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from .conftest import Actor, SeededDatabase


async def error_of(seeded: SeededDatabase, actor: Actor, sql: str) -> asyncpg.PostgresError:
    async with seeded.acting_as(actor) as connection:
        with pytest.raises(asyncpg.PostgresError) as error:
            await connection.execute(sql.format_map(seeded.names | {"random": str(uuid4())}))
    return error.value


def words_of(error: asyncpg.PostgresError) -> tuple[str, str | None, str | None]:
    return str(error), error.detail, error.hint


MESSAGE = "insert into public.messages (user_id, avatar_id, channel, role, content) values ('{bob}', %s)"


@pytest.mark.parametrize("act", [None, {"sub": "whatsapp-gateway"}])
async def test_a_message_with_another_users_avatar_fails_like_one_with_an_unknown_avatar(
    seeded: SeededDatabase, act: dict[str, str] | None
) -> None:
    bob = seeded.person(seeded.bob, "ava_messaging", **({"act": act} if act else {}))
    real = await error_of(seeded, bob, MESSAGE % "'{alices_avatar}', 'app', 'user', 'hi'")
    none = await error_of(seeded, bob, MESSAGE % "'{random}', 'app', 'user', 'hi'")
    assert real.sqlstate == "23503"
    assert words_of(real) == words_of(none)
    assert seeded.names["alices_avatar"] not in str(words_of(real))
    assert await seeded.outcome(bob, MESSAGE % "'{bobs_avatar}', 'app', 'user', 'hi'") == "done"


async def test_an_avatar_for_another_user_fails_alike_whether_they_have_one_or_not(
    seeded: SeededDatabase,
) -> None:
    bob = seeded.person(seeded.bob, "ava_profile")
    sql = (
        "insert into public.avatars (user_id, name, age, personality, physical_description)"
        " values ('{%s}', 'Eve', 30, 'calm', '')"
    )
    having, lacking, unknown = [
        await error_of(seeded, bob, sql % who) for who in ("alice", "carol", "random")
    ]
    assert words_of(having) == words_of(lacking) == words_of(unknown)
    assert having.sqlstate == "42501"
    assert await seeded.outcome(bob, sql % "bob") == "taken"


async def test_two_users_may_use_the_same_external_id_and_neither_notices(seeded: SeededDatabase) -> None:
    bob = seeded.person(seeded.bob, "ava_messaging")
    sql = (
        "insert into public.messages (user_id, channel, role, content, external_id)"
        " values ('{bob}', 'app', 'user', 'hi', 'app:%s')"
    )
    await seeded.database.admin(
        "insert into public.messages (user_id, channel, role, content, external_id)"
        " values ($1, 'app', 'user', 'hi', 'app:shared') on conflict do nothing",
        seeded.alice,
    )
    assert await seeded.outcome(bob, sql % "shared") == "done"
    assert await seeded.outcome(bob, sql % "user") == "taken"


async def test_another_users_message_id_is_neither_overwritten_nor_shown(seeded: SeededDatabase) -> None:
    bob = seeded.delegate(seeded.bob, "ava_messaging")
    sql = (
        "insert into public.messages (id, user_id, channel, role, content)"
        " values ('{alices_message}', '{bob}', 'app', 'user', 'mine')"
    )
    taken = await error_of(seeded, bob, sql)
    assert taken.sqlstate == "23505"
    assert "secret" not in str(words_of(taken))
    assert str(seeded.alice) not in str(words_of(taken))
    assert await seeded.outcome(bob, sql + " on conflict (id) do nothing") == "nothing"
    assert await seeded.outcome(bob, sql + " on conflict (id) do update set content = 'mine'") == "refused"


PHONE = (
    "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
    " values ('{carol}', '{alices_phone}', now())"
)


async def test_a_linked_number_is_refused_without_saying_whose_it_is(seeded: SeededDatabase) -> None:
    carol = seeded.person(seeded.carol, "ava_profile")
    taken = await error_of(seeded, carol, PHONE)
    assert taken.sqlstate == "23505"
    assert str(seeded.alice) not in str(words_of(taken))
    async with seeded.acting_as(carol) as connection:
        sql = PHONE.format_map(seeded.names)
        assert await connection.fetch(f"{sql} on conflict do nothing returning *") == []


async def test_an_upsert_cannot_reach_another_users_number(seeded: SeededDatabase) -> None:
    carol = seeded.person(seeded.carol, "ava_profile")
    upsert = PHONE + " on conflict (whatsapp_phone) do update set whatsapp_linked_at = now() returning *"
    assert await seeded.outcome(carol, upsert) == "refused"


@pytest.mark.parametrize(
    ("service", "sql"),
    [
        ("ava_profile", "update public.avatars set name = 'Eve' returning user_id"),
        ("ava_profile", "delete from public.avatars returning user_id"),
        ("ava_profile", "update public.user_preferences set whatsapp_pending_phone = null returning user_id"),
        ("ava_profile", "delete from public.user_preferences returning user_id"),
        ("ava_messaging", "delete from public.messages returning user_id"),
        ("ava_messaging", "select user_id from public.messages"),
        ("ava_profile", "select id as user_id from public.users"),
    ],
)
async def test_a_statement_without_a_filter_returns_only_the_users_own_rows(
    seeded: SeededDatabase, service: str, sql: str
) -> None:
    async with seeded.acting_as(seeded.person(seeded.bob, service)) as connection:
        assert {row["user_id"] for row in await connection.fetch(sql)} == {seeded.bob}


async def test_counting_counts_only_the_users_own_rows(seeded: SeededDatabase) -> None:
    counts = {}
    everyone = {"alice": seeded.person(seeded.alice), "carol": seeded.person(seeded.carol)}
    everyone["no claims"] = seeded.actor("authenticator", "authenticated")
    everyone["a service"] = seeded.actor("ava_messaging", "ava_messaging")
    for name, actor in everyone.items():
        async with seeded.acting_as(actor) as connection:
            counts[name] = await connection.fetchval(
                "select count(*) from public.messages where role = 'assistant'"
            )
    assert counts == {"alice": 1, "carol": 0, "no claims": 0, "a service": 0}


async def test_an_expression_that_would_fail_on_another_users_row_never_sees_it(
    seeded: SeededDatabase,
) -> None:
    async with seeded.acting_as(seeded.person(seeded.bob, "ava_messaging")) as connection:
        probe = "select 1 / (case when content like 'alice%' then 0 else 1 end) from public.messages"
        assert len(await connection.fetch(probe)) == 2
        cast = (
            "select (case when content like 'alice%' then content else '1' end)::integer from public.messages"
        )
        assert len(await connection.fetch(cast)) == 2


async def test_the_planners_statistics_are_hidden(seeded: SeededDatabase) -> None:
    for actor in (seeded.person(seeded.bob), seeded.person(seeded.bob, "ava_messaging")):
        async with seeded.acting_as(actor) as connection:
            assert await connection.fetch("select tablename from pg_stats where schemaname = 'public'") == []


async def test_the_statements_of_other_services_are_hidden(seeded: SeededDatabase) -> None:
    await seeded.connection("ava_profile")
    async with seeded.acting_as(seeded.person(seeded.bob, "ava_messaging")) as connection:
        seen = await connection.fetch(
            "select query from pg_stat_activity"
            " where usename <> current_user and datname = current_database()"
        )
    assert {row["query"] for row in seen} == {"<insufficient privilege>"}


@pytest.mark.parametrize(
    "sql",
    [
        "create function pg_temp.peek(text) returns boolean language sql as 'select true'",
        "create temporary table users (id uuid)",
        "create table public.mine (id uuid)",
        "create schema mine",
        "create view public.mine as select * from public.messages",
        "create policy everything on public.messages using (true)",
        "alter table public.messages disable row level security",
        "alter table public.messages no force row level security",
        "create trigger t before insert on public.messages execute function ava_private.welcome()",
        "select ava_private.welcome()",
        "create role mine",
        "alter role current_user bypassrls",
        "create table public.mine (message uuid references public.messages)",
        "set session_replication_role = replica",
        "select * from pg_authid",
        "copy public.messages to program 'cat'",
    ],
)
@pytest.mark.parametrize(
    "service", [None, "ava_auth", "ava_profile", "ava_messaging", "ava_whatsapp_gateway"]
)
async def test_no_role_can_build_a_way_around_the_policies(
    seeded: SeededDatabase, service: str | None, sql: str
) -> None:
    assert await seeded.outcome(seeded.person(seeded.bob, service), sql) == "refused"


async def test_no_role_can_pass_on_its_own_rights(seeded: SeededDatabase) -> None:
    async with seeded.acting_as(seeded.person(seeded.bob, "ava_messaging")) as connection:
        await connection.execute("grant select, insert on public.messages to anon, ava_profile")
        for other in ("anon", "ava_profile"):
            assert not await connection.fetchval(
                "select has_table_privilege($1, 'public.messages', 'select, insert')", other
            )


async def test_copy_obeys_the_policies_in_both_directions(seeded: SeededDatabase, tmp_path: Path) -> None:
    async with seeded.acting_as(seeded.person(seeded.bob, "ava_messaging")) as connection:
        with (tmp_path / "out").open("wb") as out:
            await connection.copy_from_table(
                "messages", schema_name="public", columns=["content"], output=out
            )
        with pytest.raises(asyncpg.FeatureNotSupportedError):
            await connection.copy_records_to_table(
                "messages",
                schema_name="public",
                columns=["user_id", "channel", "role", "content"],
                records=[(seeded.alice, "app", "user", "not hers")],
            )
    assert {*(tmp_path / "out").read_text().splitlines()} == {"bob secret user", "bob secret assistant"}


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("avatars", column) for column in ("id", "user_id", "created_at")),
        *(("user_preferences", column) for column in ("user_id", "created_at", "whatsapp_code_attempts")),
        *(("messages", column) for column in ("id", "user_id", "created_at", "role", "channel")),
    ],
)
async def test_a_rows_owner_id_and_dates_cannot_be_changed(
    seeded: SeededDatabase, table: str, column: str
) -> None:
    service = "ava_messaging" if table == "messages" else "ava_profile"
    sql = f"update public.{table} set {column} = default where user_id = '{{bob}}'"
    assert await seeded.outcome(seeded.person(seeded.bob, service), sql) == "refused"


async def test_the_data_api_never_shows_the_hash_of_a_code(seeded: SeededDatabase) -> None:
    for column in ("whatsapp_code_hash", "whatsapp_code_expires_at", "whatsapp_code_attempts", "*"):
        sql = f"select {column} from public.user_preferences"
        assert await seeded.outcome(seeded.person(seeded.bob), sql) == "refused"


async def test_a_subject_that_is_not_a_uuid_reads_nothing(seeded: SeededDatabase) -> None:
    garbage = seeded.actor("ava_messaging", "ava_messaging", {"sub": "' or true --"})
    assert await seeded.outcome(garbage, "select * from public.messages") == "22P02"
    for claims in ({}, {"sub": None}, {"sub": ""}, {"role": "authenticated"}):
        actor = seeded.actor("ava_messaging", "ava_messaging", claims)
        assert await seeded.outcome(actor, "select * from public.messages") in ("nothing", "22P02")
