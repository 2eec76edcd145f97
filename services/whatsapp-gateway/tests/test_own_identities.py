"""Who a user is on WhatsApp, as their export tells: what the deletion of their account would take along.

Decision 0114.
"""

from typing import Any
from uuid import UUID

import pytest

from ava_common.caller import Caller
from ava_common.database import acting_as, open_pool
from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber

PHONE = "4915112345678"
UNLINK = "delete from public.user_preferences where user_id = $1"


async def identities(database: Database, user: UUID) -> list[dict[str, Any]]:
    """As profile reads them."""
    caller = Caller(user, "a.b.c", 2_000_000_000)
    async with (
        open_pool(database.url("ava_profile"), name="test", size=1) as pool,
        acting_as(pool, caller, "ava_profile") as connection,
    ):
        return [
            dict(row) for row in await connection.fetch("select * from ava_private.own_whatsapp_identities()")
        ]


async def said(gateway: Gateway, words: str) -> None:
    await gateway.keep(meta.text(PHONE, words))
    await gateway.drain()


@pytest.mark.parametrize("unlinked", [False, True])
async def test_the_export_names_what_the_deletion_takes_along(
    gateway: Gateway, linked: LinkNumber, database: Database, unlinked: bool
) -> None:
    user = await linked(f"+{PHONE}")
    await said(gateway, "hello")
    if unlinked:
        await database.admin(UNLINK, user)
    assert [one["number"] for one in await identities(database, user)] == [f"+{PHONE}"]
    await database.admin("delete from auth.users where id = $1", user)
    assert await database.admin("select from whatsapp.contacts") == []


async def test_a_number_that_is_linked_but_has_not_been_looked_up_yet_is_named(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    await gateway.keep(meta.text(PHONE, "before the link"))
    await gateway.ingest()
    user = await linked(f"+{PHONE}")
    assert [one["number"] for one in await identities(database, user)] == [f"+{PHONE}"]
    assert await identities(database, await database.person()) == []


async def test_a_contact_that_is_known_by_metas_name_for_the_number_is_named_as_it_is_deleted(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    await said(gateway, "before the link")
    await gateway.pool.execute("update whatsapp.contacts set alias_digits = '4930123456'")
    user = await linked("+4930123456")
    assert [one["number"] for one in await identities(database, user)] == [f"+{PHONE}"]
    await database.admin("delete from auth.users where id = $1", user)
    assert await database.admin("select from whatsapp.contacts") == []


async def test_a_number_that_is_another_users_by_now_is_theirs_alone(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    """Also what it was before: the former user may have had another number."""
    first = await linked(f"+{PHONE}")
    await said(gateway, "mine")
    moved = """insert into whatsapp.moves (contact_id, reason, from_digits)
    select id, 'changed', $1 from whatsapp.contacts"""
    await database.admin(moved, "4915100000001")
    [own] = await identities(database, first)
    assert own["former_numbers"] == ["+4915100000001"]
    await database.admin(UNLINK, first)
    second = await linked(f"+{PHONE}")
    await said(gateway, "mine now")
    [theirs] = await identities(database, second)
    assert (theirs["number"], theirs["former_numbers"]) == (f"+{PHONE}", [])
    assert await identities(database, first) == []
    await database.admin("delete from auth.users where id = $1", first)
    assert len(await database.admin("select from whatsapp.contacts")) == 1
