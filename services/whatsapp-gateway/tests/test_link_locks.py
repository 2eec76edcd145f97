"""Links by number, links by id, moves and deletions that meet wait for each other, and never in a circle."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.contacts import rows
from ava_whatsapp_gateway.outbox import store as outbox

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .fake_peers import FakePeers
from .test_hidden_numbers import hidden, links, unlink

Gateways = Callable[..., Awaitable[Gateway]]
PHONE, OTHER, ID, OTHER_ID = "4915112345678", "4917000000000", "DE.1", "DE.2"


async def ask(database: Database, person: UUID, code: str, phone: str = PHONE) -> None:
    """This person typed a number and was shown a code."""
    await database.admin(
        "insert into public.user_preferences (user_id, whatsapp_pending_phone, whatsapp_code_hash,"
        " whatsapp_code_expires_at) values ($1, $2, $3, now() + interval '10 minutes')"
        " on conflict (user_id) do update set whatsapp_pending_phone = $2, whatsapp_code_hash = $3,"
        " whatsapp_code_expires_at = now() + interval '10 minutes', whatsapp_code_attempts = 0",
        *(person, f"+{phone}", hashlib.sha256(f"{person}:{code}".encode()).hexdigest()),
    )


async def code_comes(gateway: Gateway, code: str, *names: str) -> list[UUID]:
    """The look-up of a message that is a code; the owners that it proves."""
    async with gateway.pool.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('role', 'service_role', true)")
        rows = await connection.fetch(
            "select user_id from ava_private.users_for_phones(p_candidates => $1, p_code => $2)"
            " where confirmed",
            [*names],
            code,
        )
    return [row["user_id"] for row in rows]


@asynccontextmanager
async def lanes_locked(database: Database) -> AsyncIterator[None]:
    """A worker has all lanes locked until everything else waits for it."""
    connection = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        async with connection.transaction():
            await connection.execute("select whatsapp.wake(array(select id from whatsapp.contacts), false)")
            yield
    finally:
        await connection.close()


async def until_waiting(database: Database, count: int) -> None:
    async with asyncio.timeout(30):
        while True:
            [row] = await database.admin(
                "select count(*) from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'",
                database.name,
            )
            if row["count"] >= count:
                return
            await asyncio.sleep(0.02)


async def meeting(database: Database, *changes: Awaitable[Any]) -> list[Any]:
    """These changes, each begun when the one before waits for a lane; they go on together."""
    tasks = []
    async with lanes_locked(database):
        for change in changes:
            tasks.append(asyncio.ensure_future(change))
            await until_waiting(database, len(tasks))
    return await asyncio.gather(*tasks)


@pytest.fixture
async def gateway(gateways: Gateways) -> Gateway:
    return await gateways(link_confirmation="code")


@pytest.fixture
async def by_id(gateway: Gateway, database: Database) -> UUID:
    """A user linked by id, whose contact is to be looked up anew."""
    person = await database.person()
    await ask(database, person, "11111111")
    await gateway.keep(hidden("11111111"))
    await gateway.drain()
    await gateway.pool.execute("update whatsapp.contacts set user_id = null")
    return person


@pytest.mark.parametrize("to_number", [False, True])
async def test_a_code_from_an_id_and_a_change_by_its_user_until_then(
    gateway: Gateway, by_id: UUID, database: Database, linked: LinkNumber, to_number: bool
) -> None:
    second = await database.person()
    await ask(database, second, "22222222", OTHER)
    change = linked(f"+{PHONE}", by_id) if to_number else unlink(database, by_id)
    proven, _ = await meeting(database, code_comes(gateway, "22222222", ID), change)
    assert proven == [second]
    assert await links(database) == [(second, ID)]


async def test_a_code_from_a_number_and_the_deletion_of_the_account_that_had_it(
    gateway: Gateway, database: Database, linked: LinkNumber
) -> None:
    first, second = await linked(f"+{PHONE}"), await database.person()
    await gateway.keep(meta.text(body="hello"))
    await gateway.drain()
    await ask(database, second, "22222222")
    deletion = database.admin("delete from auth.users where id = $1", first)
    _, proven = await meeting(database, deletion, code_comes(gateway, "22222222", PHONE))
    assert proven == [second]


async def test_a_link_that_changes_while_its_account_is_deleted(
    gateway: Gateway, database: Database, linked: LinkNumber, peers: FakePeers
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="of the first number"), meta.text(OTHER, "of the second"))
    await gateway.drain()
    deletion = database.admin("delete from auth.users where id = $1", person)
    await meeting(database, linked(f"+{OTHER}", person), deletion)
    await gateway.drain()
    assert await database.admin("select from whatsapp.events where user_id = $1", person) == []
    assert (
        await database.admin("select from whatsapp.contacts where wa_digits in ($1, $2)", PHONE, OTHER) == []
    )


async def test_two_users_who_take_over_each_others_numbers(
    gateway: Gateway, database: Database, linked: LinkNumber
) -> None:
    await gateway.keep(meta.text(body="hello"), meta.text(OTHER, "hello"))
    await gateway.drain()
    ada, ben = await database.person(), await database.person()
    for turn in range(20):
        mine, others = (PHONE, OTHER) if turn % 2 else (OTHER, PHONE)
        await database.admin(
            "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null"
        )
        await linked(f"+{mine}", ada)
        await linked(f"+{others}", ben)
        await ask(database, ada, "11111111", others)
        await ask(database, ben, "22222222", mine)
        first, second = await asyncio.gather(
            code_comes(gateway, "11111111", others), code_comes(gateway, "22222222", mine)
        )
        assert (first, second) == ([ada], [ben])


async def test_the_id_goes_with_the_number_that_its_phone_proved_last(
    gateway: Gateway, by_id: UUID, database: Database, peers: FakePeers
) -> None:
    second = await database.person()
    await ask(database, second, "22222222")
    await gateway.keep(meta.text(body="22222222", from_user_id=ID))
    await gateway.drain()
    assert await links(database) == []
    await gateway.pool.execute("update whatsapp.contacts set user_id = null")
    await gateway.keep(meta.text(body="whose?", from_user_id=ID))
    await gateway.drain()
    assert ("user", "whose?") in peers.turns(second)


@pytest.mark.parametrize("pinned", [True, False])
async def test_a_link_by_id_follows_a_new_number_whose_notice_tells_no_id(
    gateway: Gateway, by_id: UUID, database: Database, peers: FakePeers, pinned: bool
) -> None:
    await gateway.keep(meta.text(body="shown", from_user_id=ID))
    await gateway.drain()
    if not pinned:
        await gateway.pool.execute("update whatsapp.contacts set user_id = null")
    await gateway.keep(meta.text(type="system", system={"type": "user_changed_number", "wa_id": OTHER}))
    await gateway.keep(meta.text(OTHER, "moved", from_user_id=OTHER_ID), hidden("hidden again", OTHER_ID))
    await gateway.drain()
    assert [words for role, words in peers.turns(by_id) if role == "user"] == [
        "shown",
        "moved",
        "hidden again",
    ]
    assert await links(database) == [(by_id, OTHER_ID)]


async def test_a_deleted_account_takes_the_contact_of_its_id_that_is_not_pinned(
    gateway: Gateway, by_id: UUID, database: Database
) -> None:
    await gateway.keep(hidden("waits"))
    await gateway.ingest()
    await database.admin("delete from auth.users where id = $1", by_id)
    assert await database.admin("select from whatsapp.contacts") == []
    assert await database.admin("select from whatsapp.events") == []


async def test_a_notice_that_is_stored_while_two_contacts_become_one(
    gateway: Gateway, database: Database
) -> None:
    await gateway.keep(hidden("hello"))
    await gateway.keep(meta.text(body="by number"))
    await gateway.ingest()
    claimed = await gateway.claim()
    [event] = [event for lane in claimed for event in lane.events if event.contact.wa_digits]
    ingesting = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        async with ingesting.transaction():
            both = f"select {rows.COLUMNS} from whatsapp.contacts order by bsuid"  # noqa: S608
            found = await ingesting.fetch(both)
            kept, other = (rows.ContactRow(*row) for row in found)
            await rows.lock(ingesting, kept, other)
            await rows.unite(ingesting, set(), kept, other)
            storing = asyncio.create_task(outbox.prepare_notice(gateway.pool, event, "Link", daily=True))
            await asyncio.wait({storing}, timeout=0.5)
        assert await storing == []
    finally:
        await ingesting.close()
    apart = "select o.id from whatsapp.outbox as o join whatsapp.events as e on e.id = o.event_id"
    assert await database.admin(f"{apart} where o.contact_id <> e.contact_id") == []
