"""A change of a link takes effect whole or fails: no pin outlives its link, whatever is locked meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers

Link = Callable[..., Awaitable[UUID]]

PHONE = "4915112345678"
SAME_ENDING = "+15512345678"  # another country's number with the same eight digits
UNLINK = (
    "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null where user_id = $1"
)


@pytest.fixture
async def person(linked: Link) -> UUID:
    return await linked(f"+{PHONE}")


async def say(gateway: Gateway, words: str, **more: Any) -> None:
    await gateway.keep(meta.text(body=words, **more))
    await gateway.drain()


def said(peers: FakePeers, person: UUID) -> list[str]:
    return [words for role, words in peers.turns(person) if role == "user"]


@asynccontextmanager
async def lane_locked(gateway: Gateway, database: Database) -> AsyncIterator[None]:
    """Another gateway stands still in a transaction that has the lanes locked."""
    connection = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        async with connection.transaction():
            await connection.execute("select whatsapp.wake(array(select id from whatsapp.contacts), false)")
            yield
    finally:
        await connection.close()


async def as_profile(database: Database, person: UUID, sql: str, *arguments: object) -> None:
    """As profile changes a link: in its role, with its limits (but waiting less), as this user."""
    connection = await asyncpg.connect(database.url("ava_profile"), server_settings={"lock_timeout": "300"})
    try:
        async with connection.transaction():
            await connection.execute(
                "select set_config('request.jwt.claims', json_build_object('sub', $1::text)::text, true)",
                str(person),
            )
            await connection.execute(sql, *arguments)
    finally:
        await connection.close()


async def test_an_unlink_that_cannot_reach_the_lane_fails_and_changes_nothing(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database
) -> None:
    await say(gateway, "mine")
    async with lane_locked(gateway, database):
        with pytest.raises(asyncpg.LockNotAvailableError):
            await as_profile(database, person, UNLINK, person)
    [link] = await database.admin("select whatsapp_phone from public.user_preferences")
    assert link["whatsapp_phone"] == f"+{PHONE}"
    await as_profile(database, person, UNLINK, person)
    await say(gateway, "not yours any more")
    assert said(peers, person) == ["mine"]


async def test_a_link_that_cannot_reach_the_lane_fails_and_changes_nothing(
    gateway: Gateway, peers: FakePeers, database: Database, linked: Link
) -> None:
    await say(gateway, "held")
    second = await database.person()
    async with lane_locked(gateway, database):
        with pytest.raises(asyncpg.LockNotAvailableError):
            await as_profile(
                database,
                second,
                "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
                " values ($1, $2, now())",
                second,
                f"+{PHONE}",
            )
    assert await database.admin("select from public.user_preferences") == []
    await linked(f"+{PHONE}", second)
    await gateway.drain()
    assert said(peers, second) == ["held"]


@pytest.mark.parametrize("code", ["40P01", "40001", "53200", "57014", "XX000", "P0001"])
async def test_no_failure_of_the_trigger_is_swallowed(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database, code: str
) -> None:
    await say(gateway, "mine")
    await database.admin(
        f"""do $do$ begin
          create function whatsapp.broken() returns trigger language plpgsql as $$ begin
            raise exception using errcode = '{code}'; end $$;
          create trigger broken before update of link_version on whatsapp.contacts
            for each row execute function whatsapp.broken();
        end $do$"""
    )
    with pytest.raises(asyncpg.PostgresError):
        await database.admin(UNLINK, person)
    [link] = await database.admin("select whatsapp_phone from public.user_preferences")
    assert link["whatsapp_phone"] == f"+{PHONE}"
    await say(gateway, "still mine")
    assert said(peers, person) == ["mine", "still mine"]


async def test_a_link_unpins_whom_an_earlier_release_left_pinned(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database, linked: Link
) -> None:
    await say(gateway, "mine")
    await without_trigger(database, UNLINK, person)
    second = await linked(f"+{PHONE}")
    await say(gateway, "for the second")
    assert said(peers, person) == ["mine"]
    assert said(peers, second) == ["for the second"]


async def test_a_link_of_a_number_that_ends_alike_unpins_nobody(
    gateway: Gateway, peers: FakePeers, person: UUID, linked: Link
) -> None:
    await say(gateway, "before", from_user_id="DE.1")
    move = {
        "type": "user_changed_number",
        "wa_id": "5512345678",
        "user_id": "DE.2",
        "previous_user_id": "DE.1",
    }
    await gateway.keep(meta.text(type="system", system=move))
    await linked(SAME_ENDING)
    await say(gateway, "after", sender="5512345678", from_user_id="DE.2")
    assert said(peers, person) == ["before", "after"]


async def test_linking_the_same_number_again_keeps_what_followed_a_move(
    gateway: Gateway, peers: FakePeers, person: UUID, linked: Link
) -> None:
    await say(gateway, "before", from_user_id="DE.1")
    move = {"type": "user_changed_number", "wa_id": "4917000000000", "previous_user_id": "DE.1"}
    await gateway.keep(meta.text(type="system", system=move))
    await linked(f"+{PHONE}", person)
    await say(gateway, "after", sender="4917000000000")
    assert said(peers, person) == ["before", "after"]


async def test_unlinking_one_of_two_possible_owners_releases_for_the_other(
    gateway: Gateway, peers: FakePeers, database: Database, linked: Link
) -> None:
    first, second = await linked("+5215512345678"), await linked("+525587654321")
    await say(gateway, "whose?", sender="525512345678")
    assert said(peers, first) == ["whose?"]
    await gateway.pool.execute("update whatsapp.contacts set alias_digits = '5215587654321', user_id = null")
    await say(gateway, "and now?", sender="525512345678")
    assert said(peers, second) == []
    await database.admin(UNLINK, first)
    await gateway.drain()
    assert said(peers, second) == ["and now?"]


async def test_a_delivery_that_waits_for_a_link_change_is_not_quarantined(
    gateway: Gateway, peers: FakePeers, database: Database
) -> None:
    second = await database.person()
    profile = await asyncpg.connect(database.url("supabase_admin"))
    changing = profile.transaction()
    await changing.start()
    await profile.execute(
        "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
        " values ($1, $2, now())",
        second,
        f"+{PHONE}",
    )
    await gateway.keep(meta.text(body="first"))
    await database.admin(
        f"alter role ava_whatsapp_gateway in database {database.name} set lock_timeout = '200ms'"
    )
    await gateway.pool.expire_connections()
    for _ in range(3):
        await gateway.ingest_once()
    await changing.commit()
    await profile.close()
    await gateway.drain()
    assert said(peers, second) == ["first"]


async def without_trigger(database: Database, sql: str, *arguments: object) -> None:
    """What a trigger of 0.1.0 did when it met a lock: nothing."""
    no_triggers = {"session_replication_role": "replica"}
    connection = await asyncpg.connect(database.url("supabase_admin"), server_settings=no_triggers)
    try:
        await connection.execute(sql, *arguments)
    finally:
        await connection.close()
