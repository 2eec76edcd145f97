"""Contacts by digits, business-scoped id and username: learnt and pinned; recycled and moved numbers."""

from typing import Any
from uuid import UUID

import pytest

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .fake_peers import FakePeers

PHONE = "4915112345678"


async def contacts(gateway: Gateway) -> list[tuple[str | None, str | None, str | None]]:
    rows = await gateway.pool.fetch("select wa_digits, bsuid, username from whatsapp.contacts order by id")
    return [tuple(row) for row in rows]


def without_number(bsuid: str, **more: Any) -> dict[str, Any]:
    message = meta.text(from_user_id=bsuid, **more)
    del message["from"]
    return message


async def test_an_id_learnt_with_the_number_is_enough_later(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(meta.text(body="seen", from_user_id="DE.1"))
    await gateway.drain()
    await gateway.keep(without_number("DE.1", body="hidden"))
    await gateway.drain()
    assert await contacts(gateway) == [(PHONE, "DE.1", None)]
    assert [text for role, text in peers.turns(person) if role == "user"] == ["seen", "hidden"]
    assert peers.phones[PHONE] == ["seen", "hidden"]


async def test_a_hidden_number_never_seen_before_is_held_and_answered_by_its_id(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(without_number("DE.9", body="who am I?"))
    await gateway.drain()
    assert len(peers.phones["DE.9"]) == 1
    assert peers.log == []


async def test_the_same_person_seen_by_id_and_then_by_number_is_one_contact(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(without_number("DE.1", body="first hidden"))
    await gateway.keep(meta.text(body="number only"))
    await gateway.drain()
    await gateway.keep(meta.text(body="both", from_user_id="DE.1"))
    await gateway.drain()
    await gateway.keep(without_number("DE.1", body="hidden again"))
    await gateway.drain()
    said = [text for role, text in peers.turns(person) if role == "user"]
    assert said[-2:] == ["both", "hidden again"]
    contacts = await gateway.pool.fetch("select distinct contact_id from whatsapp.outbox")
    assert contacts == await gateway.pool.fetch("select id from whatsapp.contacts")


async def test_a_recycled_number_is_held_until_it_is_linked_again(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID
) -> None:
    await gateway.keep(meta.text(body="owner", from_user_id="DE.1"))
    await gateway.drain()
    await gateway.keep(meta.text(body="new holder", from_user_id="DE.2"))
    await gateway.keep(meta.text(body="new holder without id"))
    await gateway.drain()
    assert ("user", "new holder") not in peers.turns(person)
    assert ("user", "new holder without id") not in peers.turns(person)
    await gateway.keep(without_number("DE.1", body="owner by id"))
    await gateway.drain()
    assert ("user", "owner by id") in peers.turns(person)
    await linked(f"+{PHONE}", person)
    await gateway.drain()
    assert ("user", "new holder") in peers.turns(person)  # the account's owner linked the number again


async def test_another_users_link_does_not_release_a_recycled_number(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID
) -> None:
    """The new holder links a foreign number with the same ending, to be taken for the old owner."""
    await gateway.keep(meta.text(body="owner", from_user_id="DE.1"))
    await gateway.drain()
    await gateway.keep(meta.text(body="new holder", from_user_id="DE.2"))
    await gateway.drain()
    await linked(f"+44{PHONE[-8:]}")
    await gateway.drain()
    assert ("user", "new holder") not in peers.turns(person)
    assert [state for _, state in await gateway.states()] == ["done", "held"]


async def test_the_echo_to_the_old_owner_never_reaches_the_recycled_number(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(meta.text(body="owner", from_user_id="DE.1"))
    await gateway.drain()
    await gateway.keep(meta.text(body="new holder", from_user_id="DE.2"))
    await gateway.drain()
    await gateway.keep(without_number("DE.1", body="secret"))
    await gateway.drain()
    assert "secret" not in peers.phones[PHONE]
    assert peers.phones["DE.1"] == ["secret"]


async def test_a_change_of_number_moves_the_pin_and_frees_the_old_number(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(meta.text(body="before", from_user_id="DE.1"))
    await gateway.drain()
    change = {
        "type": "user_changed_number",
        "wa_id": "4917000000000",
        "user_id": "DE.2",
        "previous_user_id": "DE.1",
    }
    moved = meta.text(type="system", system=change)
    await gateway.keep(moved)
    await gateway.keep(meta.text(sender="4917000000000", body="after", from_user_id="DE.2"))
    await gateway.drain()
    assert peers.phones["4917000000000"] == ["after"]
    await gateway.keep(meta.text(body="new owner of the old number", from_user_id="DE.3"))
    await gateway.drain()
    assert [text for role, text in peers.turns(person) if role == "user"] == ["before", "after"]
    [row] = await gateway.pool.fetch(
        "select from_digits, to_digits from whatsapp.moves where reason = 'changed'"
    )
    assert tuple(row) == (PHONE, "4917000000000")


async def test_a_change_of_id_moves_the_pin(gateway: Gateway, peers: FakePeers, person: UUID) -> None:
    await gateway.keep(meta.text(body="before", from_user_id="DE.1"))
    await gateway.drain()
    change = {"type": "user_changed_user_id", "user_id": "DE.2", "previous_user_id": "DE.1"}
    moved = meta.text(type="system", system=change)
    del moved["from"]
    await gateway.keep(moved)
    await gateway.keep(without_number("DE.2", body="after"))
    await gateway.drain()
    assert [text for role, text in peers.turns(person) if role == "user"] == ["before", "after"]


async def test_a_move_to_another_users_number_is_refused(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID
) -> None:
    other = await linked("+4917000000000")
    await gateway.keep(meta.text(body="me", from_user_id="DE.1"))
    await gateway.keep(meta.text(sender="4917000000000", body="them", from_user_id="DE.5"))
    await gateway.drain()
    change = {"type": "user_changed_number", "wa_id": "4917000000000", "previous_user_id": "DE.1"}
    await gateway.keep(meta.text(type="system", system=change))
    await gateway.keep(meta.text(sender="4917000000000", body="still them", from_user_id="DE.5"))
    await gateway.drain()
    assert ("user", "still them") in peers.turns(other)


async def test_an_old_message_delivered_again_changes_no_contact(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    old = meta.text(body="owner", from_user_id="DE.1")
    await gateway.keep(old)
    await gateway.drain()
    await gateway.keep(meta.text(body="new holder", from_user_id="DE.2"))
    await gateway.drain()
    before = await contacts(gateway)
    await gateway.keep(old, meta.text(type="reaction", sender="490"))
    await gateway.drain()
    assert await contacts(gateway) == before
    assert peers.phones[PHONE].count("owner") == 1


async def leave(gateway: Gateway, digits: str = "4917000000000") -> None:
    """Who had PHONE with the id DE.1 has another number from now on."""
    change = {"type": "user_changed_number", "wa_id": digits, "user_id": "DE.9", "previous_user_id": "DE.1"}
    await gateway.keep(meta.text(type="system", system=change))
    await gateway.keep(meta.text(sender=digits, body="moved", from_user_id="DE.9"))
    await gateway.drain()


@pytest.mark.parametrize("writes_first", [True, False])
@pytest.mark.parametrize("shows_an_id", ["before", "with the number", "afterwards", "never"])
async def test_who_links_a_number_that_was_left_links_it_once(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID, writes_first: bool, shows_an_id: str
) -> None:
    await gateway.keep(meta.text(body="before", from_user_id="DE.1"))
    await gateway.drain()
    await leave(gateway)
    await linked("+4917000000000", person)
    await gateway.keep(meta.text(sender="4917000000000", body="linked anew"))
    await gateway.drain()
    if shows_an_id == "before":
        await gateway.keep(without_number("DE.2", body="hidden"))
    if writes_first:
        await gateway.keep(meta.text(body="I am new here"))
    await gateway.drain()
    heir = await linked(f"+{PHONE}")
    shown = {"from_user_id": "DE.2"} if shows_an_id in ("before", "with the number") else {}
    await gateway.keep(meta.text(body="mine", **shown))
    if shows_an_id == "afterwards":
        await gateway.keep(meta.text(body="with my id", from_user_id="DE.2"))
    await gateway.drain()
    assert ("user", "mine") in peers.turns(heir)
    assert "held" not in [state for _, state in await gateway.states()]
    assert [text for role, text in peers.turns(person) if role == "user"] == [
        "before",
        "moved",
        "linked anew",
    ]


async def test_a_number_that_was_left_is_not_its_former_owners_because_another_spelling_is_linked(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    left, other = "541123456789", "+5491123456789"
    former = await linked(f"+{left}")
    await gateway.keep(meta.text(sender=left, body="before", from_user_id="DE.1"))
    await gateway.drain()
    change = {"type": "user_changed_number", "wa_id": "4917000000000", "user_id": "DE.9"}
    await gateway.keep(meta.text(sender=left, type="system", system={**change, "previous_user_id": "DE.1"}))
    await gateway.ingest()
    await linked(other)
    await gateway.keep(meta.text(sender=left, body="new holder"))
    await gateway.drain()
    assert [text for role, text in peers.turns(former) if role == "user"] == ["before"]


async def test_a_number_that_its_owner_left_and_linked_again_is_theirs(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID
) -> None:
    await gateway.keep(meta.text(body="before", from_user_id="DE.1"))
    await gateway.drain()
    await leave(gateway)
    await linked(f"+{PHONE}", person)
    await gateway.keep(meta.text(body="back"))
    await gateway.drain()
    assert ("user", "back") in peers.turns(person)


async def test_the_stamp_of_a_link_stays_with_contacts_that_turn_out_to_be_one(
    gateway: Gateway, linked: LinkNumber
) -> None:
    await gateway.keep(meta.text(body="mine"), without_number("DE.2", body="hidden"))
    await gateway.drain()
    heir = await linked(f"+{PHONE}")
    await gateway.pool.execute("update whatsapp.contacts set recycled = true where wa_digits is not null")
    await gateway.keep(meta.text(body="both", from_user_id="DE.2"))
    await gateway.ingest()
    [contact] = await gateway.pool.fetch("select relinked_by from whatsapp.contacts")
    assert contact["relinked_by"] == heir


async def test_an_answer_on_its_way_never_reaches_the_new_holder_of_the_number(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    """The number changes hands after the lane was claimed and before the call."""
    await gateway.keep(meta.text(body="pin", from_user_id="DE.1"))
    await gateway.drain()
    await gateway.keep(meta.text(body="secret", from_user_id="DE.1"))
    await gateway.ingest()
    [lane] = await gateway.claim()
    await gateway.keep(meta.text(body="new holder", from_user_id="DE.2"))
    await gateway.ingest()
    await gateway.run(lane)
    assert peers.phones[PHONE] == ["pin"]
    assert peers.phones["DE.1"] == ["secret"]


async def test_an_answer_to_a_number_that_is_anothers_by_now_and_has_no_id_is_not_sent(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID
) -> None:
    await linked("+4917000000000")
    await gateway.keep(meta.text(body="pin"), meta.text("4917000000000", "pin", from_user_id="DE.2"))
    await gateway.drain()
    await gateway.keep(meta.text(body="secret"))
    await gateway.ingest()
    [lane] = await gateway.claim()
    await gateway.keep(meta.text(body="new holder", from_user_id="DE.2"))
    await gateway.ingest()
    await gateway.run(lane)
    assert "secret" not in [text for texts in peers.phones.values() for text in texts]
    assert ("user", "secret") in peers.turns(person)
    rows = await gateway.pool.fetch(
        "select body, state, error from whatsapp.outbox where state <> 'accepted'"
    )
    assert [tuple(row) for row in rows] == [("secret", "failed", "its number is another person's by now")]
