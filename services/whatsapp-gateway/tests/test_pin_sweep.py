"""The sweep finds pins that contradict the preferences, and leaves alone those that follow from a link."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.contacts import owners
from ava_whatsapp_gateway.contacts.pin_sweep import PinSweep
from ava_whatsapp_gateway.metrics import REPAIRED_PINS

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers
from .test_link_changes import UNLINK, said, say, without_trigger

Link = Callable[..., Awaitable[UUID]]

PHONE = "4915112345678"
LINK = """insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)
values ($1, $2, now())"""


@pytest.fixture
async def person(linked: Link) -> UUID:
    return await linked(f"+{PHONE}")


async def test_a_pin_that_outlived_its_link_is_undone_and_counted(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database
) -> None:
    await say(gateway, "mine")
    await without_trigger(database, UNLINK, person)
    before = REPAIRED_PINS._value.get()
    assert await PinSweep(gateway.pool).check_next() == 1
    assert REPAIRED_PINS._value.get() == before + 1
    await say(gateway, "not yours")
    assert said(peers, person) == ["mine"]


async def test_a_pin_on_a_number_that_is_another_users_by_now_is_undone(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database
) -> None:
    await say(gateway, "mine")
    await without_trigger(database, UNLINK, person)
    second = await database.person()
    await without_trigger(database, LINK, second, f"+{PHONE}")
    await PinSweep(gateway.pool).check_next()
    await say(gateway, "the second's")
    assert (said(peers, person), said(peers, second)) == (["mine"], ["the second's"])


async def test_what_waited_under_a_pin_that_is_undone_is_past_for_the_next_owner(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database, linked: Link
) -> None:
    await say(gateway, "mine")
    await without_trigger(database, UNLINK, person)
    second = await database.person()
    await without_trigger(database, LINK, second, f"+{PHONE}")
    await gateway.keep(meta.text(body="hours ago"))
    await gateway.ingest()
    await gateway.pool.execute("update whatsapp.events set received_at = received_at - interval '3 hours'")
    assert await PinSweep(gateway.pool).check_next() == 1
    await gateway.drain()
    assert (said(peers, person), said(peers, second)) == (["mine"], [])


async def test_the_sweep_waits_for_no_account(gateway: Gateway, person: UUID, database: Database) -> None:
    await say(gateway, "mine")
    deleting = await asyncpg.connect(database.url("supabase_admin"))
    try:
        async with deleting.transaction():
            await deleting.execute("select from public.users for update")
            assert await PinSweep(gateway.pool).check_next() == 0
    finally:
        await deleting.close()


@pytest.mark.parametrize("how", ["as it is", "spelling", "moved", "another id came", "pinned by 0.1.0"])
async def test_a_pin_that_follows_from_a_link_stays(
    gateway: Gateway, peers: FakePeers, linked: Link, how: str
) -> None:
    spelled = how == "spelling"
    person = await linked("+5511987654321" if spelled else f"+{PHONE}")
    await say(gateway, "one", sender="551187654321" if spelled else PHONE, from_user_id="DE.1")
    if how == "moved":
        move = {"type": "user_changed_number", "wa_id": "4917000000000", "previous_user_id": "DE.1"}
        await gateway.keep(meta.text(type="system", system=move))
    if how == "another id came":
        await gateway.keep(meta.text(from_user_id="DE.2"))
    if how == "pinned by 0.1.0":
        await gateway.pool.execute("update whatsapp.contacts set linked_digits = null")
    await gateway.drain()
    assert await PinSweep(gateway.pool).check_next() == 0
    assert await gateway.pool.fetchval("select count(*) from whatsapp.contacts where user_id = $1", person)


async def test_what_an_earlier_release_left_held_is_handled(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await say(gateway, "one")
    await say(gateway, "two")
    await gateway.pool.execute("update whatsapp.events set state = 'ready' where words = 'two'")
    await gateway.pool.execute(
        "update whatsapp.events set state = 'held', logged_at = null where words = 'two'"
    )
    await PinSweep(gateway.pool).check_next()
    await gateway.drain()
    assert {state for _, state in await gateway.states()} == {"done"}


_NUMBERS = st.one_of(
    st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True),
    *(st.from_regex(pattern, fullmatch=True) for pattern, _ in owners._SPELLINGS),
).filter(str.isascii)


async def test_the_database_knows_the_same_spellings(database: Database) -> None:
    numbers: list[str] = []

    @given(_NUMBERS)
    def collect(number: str) -> None:
        numbers.append(number)

    collect()
    rows = await database.admin(
        "select n, whatsapp.number_spellings(n) as spelled from unnest($1::text[]) as n", numbers
    )
    assert len(rows) >= 50
    for row in rows:
        assert set(row["spelled"]) == set(owners.number_variants(row["n"])), row["n"]
