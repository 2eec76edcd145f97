"""Senders whose WhatsApp hides their number: what they are told, and how a code links them."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.metrics import ALERTS

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers

PHONE, ID, OTHER_ID = "4915112345678", "DE.1", "DE.2"
CODE = "12345678"
Gateways = Callable[..., Awaitable[Gateway]]
Linked = Callable[..., Awaitable[UUID]]
Asking = Callable[..., Awaitable[UUID]]


def hidden(body: str, bsuid: str = ID) -> dict[str, Any]:
    message = meta.text(from_user_id=bsuid, body=body)
    del message["from"]
    return message


@pytest.fixture
def asking(database: Database) -> Asking:
    """A person who typed a number and was shown a code, as profile writes it."""

    async def ask(phone: str = f"+{PHONE}", code: str = CODE, person: UUID | None = None) -> UUID:
        person = person or await database.person()
        await database.admin(
            "insert into public.user_preferences (user_id, whatsapp_pending_phone, whatsapp_code_hash,"
            " whatsapp_code_expires_at) values ($1, $2, $3, now() + interval '10 minutes')"
            " on conflict (user_id) do update set whatsapp_pending_phone = $2, whatsapp_code_hash = $3,"
            " whatsapp_code_expires_at = now() + interval '10 minutes'",
            *(person, phone, hashlib.sha256(f"{person}:{code}".encode()).hexdigest()),
        )
        return person

    return ask


async def unlink(database: Database, person: UUID) -> None:
    """As profile of release 0.1.0 writes it, too."""
    await database.admin(
        "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null,"
        " whatsapp_pending_phone = null, whatsapp_code_hash = null, whatsapp_code_expires_at = null"
        " where user_id = $1",
        person,
    )


async def links(database: Database) -> list[tuple[UUID, str]]:
    rows = await database.admin("select user_id, bsuid from profile.hidden_number_links order by bsuid")
    return [(row["user_id"], row["bsuid"]) for row in rows]


@pytest.mark.parametrize(
    ("mode", "told", "not_told"),
    [("off", "with your number visible", "I don't know this number"), ("code", "can stay hidden", "visible")],
)
async def test_who_hides_the_number_is_told_what_helps(
    gateways: Gateways, peers: FakePeers, mode: str, told: str, not_told: str
) -> None:
    gateway = await gateways(link_confirmation=mode)
    await gateway.keep(hidden("hello"), meta.text(body="hello"))
    await gateway.drain()
    [to_hidden], [to_visible] = peers.phones[ID], peers.phones[PHONE]
    assert "hides your number" in to_hidden
    assert told in to_hidden
    assert not_told not in to_hidden
    assert ("send me the code" in to_visible) is (mode == "code")
    assert "I don't know this number" in to_visible


async def test_a_code_links_a_hidden_number_and_what_was_held_follows_in_order(
    gateways: Gateways, peers: FakePeers, asking: Asking, database: Database
) -> None:
    gateway, person = await gateways(link_confirmation="code"), await asking()
    await gateway.keep(hidden("one"))
    await gateway.keep(hidden("two"))
    await gateway.drain()
    await gateway.keep(hidden(f"Ava code {CODE}"))
    await gateway.keep(hidden("three"))
    await gateway.drain()
    said = [text for role, text in peers.turns(person) if role == "user"]
    assert said == ["one", "two", "three"]
    assert any("now linked" in text for text in peers.phones[ID])
    assert await links(database) == [(person, ID)]
    [mine] = await database.admin("select * from public.user_preferences where user_id = $1", person)
    assert (mine["whatsapp_phone"], mine["whatsapp_pending_phone"]) == (None, None)


async def test_a_code_from_a_hidden_number_proves_nothing_about_the_number_that_was_typed(
    gateways: Gateways, peers: FakePeers, asking: Asking, linked: Linked
) -> None:
    gateway, owner = await gateways(link_confirmation="code"), await linked(f"+{PHONE}")
    other = await asking(f"+{PHONE}")
    await gateway.keep(hidden(CODE))
    await gateway.drain()
    await gateway.keep(meta.text(body="the owner's"), hidden("the other's"))
    await gateway.drain()
    assert ("user", "the owner's") in peers.turns(owner)
    assert [text for _, text in peers.turns(other)] == ["the other's"] * 2


async def test_unlinking_or_linking_a_number_ends_the_link_at_once(
    gateways: Gateways, peers: FakePeers, asking: Asking, linked: Linked, database: Database
) -> None:
    gateway = await gateways(link_confirmation="code")
    ada, ben = await asking(), await asking(code="11111111")
    await gateway.keep(hidden(CODE), hidden("11111111", OTHER_ID))
    await gateway.drain()
    await unlink(database, ada)
    await linked("+4917000000000", ben)
    await gateway.keep(hidden("whose?"), hidden("whose?", OTHER_ID))
    await gateway.drain()
    assert peers.turns(ada) == peers.turns(ben) == []
    assert await links(database) == []


async def test_a_hidden_number_moves_to_the_account_whose_code_came_last(
    gateways: Gateways, peers: FakePeers, asking: Asking, database: Database
) -> None:
    gateway = await gateways(link_confirmation="code")
    ada = await asking()
    await gateway.keep(hidden(CODE))
    await gateway.drain()
    ben = await asking(code="11111111")
    await gateway.keep(hidden("11111111"))
    await gateway.keep(hidden("mine"))
    await gateway.drain()
    assert peers.turns(ada) == []
    assert ("user", "mine") in peers.turns(ben)
    assert await links(database) == [(ben, ID)]


async def test_a_code_from_a_hidden_number_takes_the_place_of_the_number_before(
    gateways: Gateways, peers: FakePeers, asking: Asking, linked: Linked
) -> None:
    gateway, person = await gateways(link_confirmation="code"), await linked("+4917000000000")
    await gateway.keep(meta.text(sender="4917000000000", body="before"))
    await gateway.drain()
    await asking(person=person)
    await gateway.keep(hidden(CODE))
    await gateway.drain()
    await gateway.keep(meta.text(sender="4917000000000", body="after"), hidden("hidden"))
    await gateway.drain()
    said = [text for role, text in peers.turns(person) if role == "user"]
    assert said == ["before", "hidden"]


async def test_guesses_without_a_number_are_limited_and_linked_people_may_still_write_eight_digits(
    gateways: Gateways, peers: FakePeers, asking: Asking, database: Database
) -> None:
    gateway, person = await gateways(link_confirmation="code"), await asking()
    for guess in range(5):
        await gateway.keep(hidden(f"0000000{guess}"))
    await gateway.drain()
    await gateway.keep(hidden(CODE))
    await gateway.drain()
    assert await links(database) == []
    await gateway.keep(hidden(CODE, OTHER_ID))
    for of in range(7):
        await gateway.keep(hidden(f"2026112{of}", OTHER_ID))
    await gateway.drain()
    assert await links(database) == [(person, OTHER_ID)]
    assert len([text for role, text in peers.turns(person) if role == "user"]) == 7


async def test_an_expired_code_links_no_hidden_number(
    gateways: Gateways, asking: Asking, database: Database
) -> None:
    gateway = await gateways(link_confirmation="code")
    await asking()
    await database.admin("update public.user_preferences set whatsapp_code_expires_at = now()")
    await gateway.keep(hidden(CODE))
    await gateway.drain()
    assert await links(database) == []


async def test_a_hidden_sender_who_gets_a_new_id_stays_linked_by_it(
    gateways: Gateways, peers: FakePeers, asking: Asking, database: Database
) -> None:
    gateway, person = await gateways(link_confirmation="code"), await asking()
    await gateway.keep(hidden(CODE))
    await gateway.drain()
    told = {"type": "user_changed_user_id", "user_id": OTHER_ID, "previous_user_id": ID}
    moved = hidden("") | {"type": "system", "system": told}
    await gateway.keep({key: value for key, value in moved.items() if key != "text"})
    await gateway.keep(hidden("me again", OTHER_ID))
    await gateway.drain()
    assert ("user", "me again") in peers.turns(person)
    assert await links(database) == [(person, OTHER_ID)]


async def test_of_several_possible_owners_none_gets_the_message_and_an_alert_says_so(
    gateways: Gateways,
    peers: FakePeers,
    asking: Asking,
    linked: Linked,
    database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway, by_id = await gateways(link_confirmation="code"), await asking()
    await gateway.keep(hidden(CODE))
    await gateway.drain()
    by_number = await linked(f"+{PHONE}")
    await database.admin("update whatsapp.contacts set user_id = null")
    before = ALERTS.labels("ambiguous_number")._value.get()
    await gateway.keep(meta.text(body="of one of them", from_user_id=ID))
    await gateway.drain()
    assert peers.turns(by_id) == peers.turns(by_number) == []
    assert "More than one account" in peers.phones[PHONE][-1]
    assert ALERTS.labels("ambiguous_number")._value.get() == before + 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "contact.ambiguous" in line]
    # As JSON once the service is configured in this process, else as structlog writes by itself.
    assert re.search(r"""alert=True|"alert":true""", line)


async def test_a_deleted_account_leaves_nothing_of_a_hidden_number(
    gateways: Gateways, asking: Asking, database: Database
) -> None:
    gateway, person = await gateways(link_confirmation="code"), await asking()
    await gateway.keep(hidden("before"), hidden(CODE))
    await gateway.drain()
    await database.admin("delete from auth.users where id = $1", person)
    assert await links(database) == []
    assert await database.admin("select from whatsapp.contacts where bsuid = $1", ID) == []


async def test_links_by_code_and_by_number_that_change_at_once_never_deadlock(
    gateways: Gateways, peers: FakePeers, asking: Asking, linked: Linked, database: Database
) -> None:
    gateway = await gateways(link_confirmation="code")
    people = [await asking(code=f"1111111{n}") for n in range(4)]
    await gateway.keep(*(hidden("hello", f"DE.{n}") for n in range(4)))
    await gateway.drain()

    async def busy(n: int) -> None:
        async with gateway.pool.acquire() as connection:
            for turn in range(15):
                await asking(code=f"1111111{n}", person=people[n])
                async with connection.transaction():
                    await connection.execute("select set_config('role', 'service_role', true)")
                    found = await connection.fetch(
                        "select user_id from ava_private.users_for_phones(p_candidates => $1, p_code => $2)",
                        [f"DE.{(n + turn) % 4}"],
                        f"1111111{n}",
                    )
                assert people[n] in [row["user_id"] for row in found]
                if turn % 2:
                    await linked(f"+4915112345{n:03}", people[n])
                await unlink(database, people[n])

    await asyncio.gather(*(busy(n) for n in range(4)))
    assert await links(database) == []
    assert await database.admin("select from whatsapp.contacts where user_id is not null") == []
