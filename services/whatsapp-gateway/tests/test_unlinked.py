"""Unlinked senders: one polite answer a day; their messages are held, and handled once they link."""

import pytest

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .fake_peers import FakePeers

PHONE = "4915112345678"


async def test_an_unlinked_sender_gets_one_polite_answer_a_day_and_nothing_is_logged(
    gateway: Gateway, peers: FakePeers
) -> None:
    await gateway.keep(meta.text(body="hi"), meta.text(body="anyone?"))
    await gateway.keep(meta.text(body="hello?"))
    await gateway.drain()
    (polite,) = peers.phones[PHONE]
    assert "link" in polite
    assert peers.log == []
    assert {state for _, state in await gateway.states()} == {"held"}
    await gateway.pool.execute("update whatsapp.outbox set notice_day = notice_day - 1")
    await gateway.keep(meta.text(body="next day"))
    await gateway.drain()
    assert len(peers.phones[PHONE]) == 2


async def test_linking_releases_what_was_held_in_order_and_once(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert peers.phones[PHONE][1:] == ["one", "two"]
    assert [text for role, text in peers.turns(person) if role == "user"] == ["one", "two"]
    await linked(f"+{PHONE}", person)
    await gateway.drain()
    assert len(peers.phones[PHONE]) == 3


async def test_a_sender_who_links_while_the_notice_is_being_sent_is_answered_too(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    peers.after["graph"].append(lambda: linked(f"+{PHONE}"))
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    assert peers.phones[PHONE][1:] == ["one"]


@pytest.mark.parametrize(
    ("sender", "typed"),
    [
        ("551187654321", "+5511987654321"),
        ("5215512340099", "+525512340099"),
        ("22997123456", "+2290197123456"),
        ("22507123456", "+2250707123456"),
    ],
)
async def test_a_number_typed_in_another_national_spelling_is_found(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, sender: str, typed: str
) -> None:
    await gateway.keep(meta.text(sender=sender, body="oi"))
    await gateway.drain()
    await linked(typed)
    await gateway.drain()
    assert peers.phones[sender][1:] == ["oi"]


async def test_when_both_spellings_are_linked_the_exact_one_wins(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    exact = await linked("+525512345678")
    await linked("+5215512345678")
    await gateway.keep(meta.text(sender="525512345678", body="exact"))
    await gateway.drain()
    assert peers.turns(exact)[0] == ("user", "exact")


async def test_unlinking_takes_effect_at_once_and_another_account_can_link_the_number(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    first = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"))
    await gateway.drain()
    await database.admin(
        "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null"
        " where user_id = $1",
        first,
    )
    await gateway.keep(meta.text(body="whose?"))
    await gateway.drain()
    second = await linked(f"+{PHONE}")
    await gateway.drain()
    assert ("user", "whose?") not in peers.turns(first)
    assert peers.turns(second) == [("user", "whose?"), ("assistant", "whose?")]
