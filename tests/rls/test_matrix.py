"""Every table, every verb, every actor: what they get when they reach for another user's row or their own."""
# ruff: noqa: S608

from collections.abc import Callable

import pytest

from .conftest import Actor, SeededDatabase

VERBS = ("select", "insert", "update", "delete", "truncate")

STATEMENTS = {
    "users": (
        "select created_at from public.users where id = '{alice}'",
        "insert into public.users (id) values ('{alice}')",
        "update public.users set created_at = now() where id = '{alice}'",
        "delete from public.users where id = '{alice}'",
        "truncate public.users cascade",
    ),
    "avatars": (
        "select * from public.avatars where user_id = '{alice}'",
        "insert into public.avatars (user_id, name, age, personality, physical_description)"
        " values ('{alice}', 'Eve', 20, 'direct', '')",
        "update public.avatars set name = 'Eve' where user_id = '{alice}'",
        "delete from public.avatars where user_id = '{alice}'",
        "truncate public.avatars cascade",
    ),
    "user_preferences": (
        "select user_id, whatsapp_phone from public.user_preferences where user_id = '{alice}'",
        "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
        " values ('{alice}', '+4915100000000', now())",
        "update public.user_preferences set whatsapp_phone = '+4915100000000' where user_id = '{alice}'",
        "delete from public.user_preferences where user_id = '{alice}'",
        "truncate public.user_preferences",
    ),
    "messages": (
        "select * from public.messages where user_id = '{alice}'",
        "insert into public.messages (user_id, channel, role, content)"
        " values ('{alice}', 'app', 'user', 'not hers')",
        "update public.messages set content = 'not hers' where user_id = '{alice}'",
        "delete from public.messages where user_id = '{alice}'",
        "truncate public.messages",
    ),
}

ACTORS: dict[str, Callable[[SeededDatabase], Actor]] = {
    "anon": lambda seeded: seeded.actor("authenticator", "anon", {"role": "anon"}),
    "anon claiming to be Alice": lambda seeded: seeded.actor(
        "authenticator", "anon", {"sub": str(seeded.alice)}
    ),
    "Bob": lambda seeded: seeded.person(seeded.bob),
    "Bob with forged claims": lambda seeded: seeded.person(
        seeded.bob,
        role="service_role",
        act={"sub": "whatsapp-gateway"},
        user_id=str(seeded.alice),
        user_metadata={"sub": str(seeded.alice)},
    ),
    "Alice": lambda seeded: seeded.person(seeded.alice),
    "service_role": lambda seeded: seeded.actor("authenticator", "service_role", {"role": "service_role"}),
    "service_role for Alice": lambda seeded: seeded.actor(
        "ava_whatsapp_gateway", "service_role", {"role": "service_role", "sub": str(seeded.alice)}
    ),
}


def service_actors(service: str) -> dict[str, Callable[[SeededDatabase], Actor]]:
    return {
        f"{service} without claims": lambda seeded: seeded.actor(service, service),
        f"{service} for Bob": lambda seeded: seeded.person(seeded.bob, service),
        f"{service} delegated for Bob": lambda seeded: seeded.delegate(seeded.bob, service),
        f"{service} for Alice": lambda seeded: seeded.person(seeded.alice, service),
        f"{service} delegated for Alice": lambda seeded: seeded.delegate(seeded.alice, service),
    }


for _service in ("ava_auth", "ava_profile", "ava_messaging", "ava_whatsapp_gateway"):
    ACTORS |= service_actors(_service)

NO = "refused  refused  refused  refused  refused"
READ = "done     refused  refused  refused  refused"
BLIND = "nothing  refused  refused  refused  refused"

# Reaching for Alice's row.       select   insert   update   delete   truncate
EXPECTED = {
    "users": {
        "Bob":                              BLIND,
        "Bob with forged claims":           BLIND,
        "Alice":                            READ,
        "ava_profile without claims":       BLIND,
        "ava_profile for Bob":              BLIND,
        "ava_profile delegated for Bob":    BLIND,
        "ava_profile for Alice":            "done     taken    refused  refused  refused",
        "ava_profile delegated for Alice":  "done     refused  refused  refused  refused",
    },
    "avatars": {
        "Bob":                              BLIND,
        "Bob with forged claims":           BLIND,
        "Alice":                            READ,
        "ava_profile without claims":       "nothing  refused  nothing  nothing  refused",
        "ava_profile for Bob":              "nothing  refused  nothing  nothing  refused",
        "ava_profile delegated for Bob":    "nothing  refused  nothing  nothing  refused",
        "ava_profile for Alice":            "done     taken    done     done     refused",
        "ava_profile delegated for Alice":  "done     refused  nothing  nothing  refused",
    },
    "user_preferences": {
        "Bob":                              BLIND,
        "Bob with forged claims":           BLIND,
        "Alice":                            READ,
        "ava_profile without claims":       "nothing  refused  nothing  nothing  refused",
        "ava_profile for Bob":              "nothing  refused  nothing  nothing  refused",
        "ava_profile delegated for Bob":    "nothing  refused  nothing  nothing  refused",
        "ava_profile for Alice":            "done     taken    done     done     refused",
        "ava_profile delegated for Alice":  "done     refused  nothing  nothing  refused",
    },
    "messages": {
        "Bob":                              BLIND,
        "Bob with forged claims":           BLIND,
        "Alice":                            READ,
        "ava_messaging without claims":     "nothing  refused  nothing  nothing  refused",
        "ava_messaging for Bob":            "nothing  refused  nothing  nothing  refused",
        "ava_messaging delegated for Bob":  "nothing  refused  nothing  nothing  refused",
        "ava_messaging for Alice":          "done     done     nothing  done     refused",
        "ava_messaging delegated for Alice": "done    done     nothing  nothing  refused",
    },
}  # fmt: skip
"""An actor that is not listed for a table is refused everything there."""


@pytest.fixture
def actors(seeded: SeededDatabase) -> dict[str, Actor]:
    return {name: make(seeded) for name, make in ACTORS.items()}


@pytest.mark.parametrize("table", STATEMENTS)
@pytest.mark.parametrize("who", ACTORS)
async def test_every_actor_gets_exactly_what_is_listed_here(
    seeded: SeededDatabase, actors: dict[str, Actor], table: str, who: str
) -> None:
    outcomes = [await seeded.outcome(actors[who], sql) for sql in STATEMENTS[table]]
    expected = EXPECTED[table].get(who, NO).split()
    assert dict(zip(VERBS, outcomes, strict=True)) == dict(zip(VERBS, expected, strict=True))


async def test_no_public_table_is_missing_from_the_matrix(seeded: SeededDatabase) -> None:
    rows = await seeded.database.admin(
        "select relname from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')"
    )
    assert {row["relname"] for row in rows} == set(STATEMENTS)


PRIVATE = """
select format('%I.%I', n.nspname, c.relname) as name, n.nspname as schema,
       (select quote_ident(attname) from pg_attribute a
         where a.attrelid = c.oid and attnum > 0 and attgenerated = '' and attidentity = ''
         limit 1) as a_column
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and n.nspname not in ('public', 'pg_catalog', 'information_schema', 'pg_toast')
"""
OWNERS = {"whatsapp": "ava_whatsapp_gateway", "accounts": "ava_auth", "profile": "ava_profile"}


@pytest.mark.parametrize("who", ACTORS)
async def test_private_tables_refuse_every_role_but_their_owner_service(
    seeded: SeededDatabase, actors: dict[str, Actor], who: str
) -> None:
    tables = await seeded.database.admin(PRIVATE)
    assert {"auth", "accounts", "profile", "whatsapp", "supabase_migrations"} <= {
        table["schema"] for table in tables
    }
    for table in tables:
        if actors[who].role == OWNERS.get(table["schema"]):
            continue
        for sql in (
            f"select 1 from {table['name']}",
            f"insert into {table['name']} default values",
            f"update {table['name']} set {table['a_column']} = {table['a_column']}",
            f"delete from {table['name']}",
            f"truncate {table['name']} cascade",
        ):
            assert await seeded.outcome(actors[who], sql) == "refused", f"{who}: {sql}"
