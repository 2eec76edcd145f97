"""The notice of a move may come before, with or after what the new identity writes."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers

Link = Callable[..., Awaitable[UUID]]
Item = dict[str, Any]

OLD, NEW, NEWER = "4915112345678", "4917000000000", "4916111111111"


@pytest.fixture
async def person(linked: Link) -> UUID:
    return await linked(f"+{OLD}")


def says(words: str, number: str | None, bsuid: str | None = None) -> Item:
    message = meta.text(sender=number or "", body=words)
    if bsuid:
        message["from_user_id"] = bsuid
    if not number:
        del message["from"]
    return message


def notice(kind: str = "user_changed_number", number: str | None = OLD, **system: str) -> Item:
    message = meta.text(sender=number or "", type="system", system={"type": kind, **system})
    if not number:
        del message["from"]
    return message


def said(peers: FakePeers, person: UUID) -> list[str]:
    return [words for role, words in peers.turns(person) if role == "user"]


# What the old identity was, Meta's notice, and what the new identity is.
MOVES = {
    "number and id": (
        ("DE.1", notice(wa_id=NEW, user_id="DE.2", previous_user_id="DE.1")),
        (NEW, "DE.2"),
    ),
    "number, hidden at first": (
        ("DE.1", notice(wa_id=NEW, user_id="DE.2", previous_user_id="DE.1")),
        (None, "DE.2"),
    ),
    "number without ids": ((None, notice(wa_id=NEW)), (NEW, None)),
    "number without ids, new one has an id": ((None, notice(wa_id=NEW)), (NEW, "DE.2")),
    "number without ids, both have one": (("DE.1", notice(wa_id=NEW)), (NEW, "DE.2")),
    "old form": (
        (None, notice("customer_changed_number", new_wa_id=NEW)),
        (NEW, "DE.2"),
    ),
    "id, same number": (
        ("DE.1", notice("user_changed_user_id", user_id="DE.2", previous_user_id="DE.1")),
        (OLD, "DE.2"),
    ),
    "id, hidden": (
        ("DE.1", notice("user_changed_user_id", None, user_id="DE.2", previous_user_id="DE.1")),
        (None, "DE.2"),
    ),
    "id, and the number came with a message": (
        ("DE.1", notice("user_changed_user_id", None, user_id="DE.2", previous_user_id="DE.1")),
        (NEW, "DE.2"),
    ),
}


@pytest.mark.parametrize("together", [False, True], ids=["apart", "in one delivery"])
@pytest.mark.parametrize(
    "order", list(itertools.permutations(range(3)))[:4], ids=lambda o: "".join(map(str, o))
)
@pytest.mark.parametrize("move", MOVES)
async def test_a_moved_person_is_one_contact_in_whatever_order_meta_tells(
    gateway: Gateway, peers: FakePeers, person: UUID, move: str, order: tuple[int, ...], together: bool
) -> None:
    (old_bsuid, told), new = MOVES[move]
    told = {**told, "id": "wamid." + move.replace(" ", "")}
    await gateway.keep(says("before", OLD, old_bsuid))
    await gateway.drain()
    items = [told, says("one", *new), says("two", *new)]
    items[1]["timestamp"], items[2]["timestamp"] = "1700000001", "1700000002"
    arriving = [items[index] for index in order]
    if together:
        await gateway.keep(*arriving)
        await gateway.drain()
    else:
        for item in arriving:
            await gateway.keep(item)
            await gateway.drain()
    await gateway.keep(says("three", *new))
    await gateway.drain()
    assert sorted(said(peers, person)) == ["before", "one", "three", "two"]
    assert await gateway.pool.fetchval("select count(*) from whatsapp.contacts") == 1
    assert await gateway.pool.fetchval("select count(*) from whatsapp.deliveries where state <> 'split'") == 0


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))], ids=lambda o: "".join(map(str, o)))
async def test_two_moves_in_a_row_are_followed_in_any_order(
    gateway: Gateway, peers: FakePeers, person: UUID, order: tuple[int, ...]
) -> None:
    await gateway.keep(says("before", OLD, "DE.1"))
    await gateway.drain()
    items = [
        notice(wa_id=NEW, user_id="DE.2", previous_user_id="DE.1"),
        notice(number=NEW, wa_id=NEWER, user_id="DE.3", previous_user_id="DE.2"),
        says("after both", NEWER, "DE.3"),
    ]
    for index in order:
        await gateway.keep(items[index])
        await gateway.drain()
    await gateway.keep(says("between, but late", NEW, "DE.2"))
    await gateway.drain()
    assert sorted(said(peers, person)) == ["after both", "before", "between, but late"]


async def test_what_the_old_identity_wrote_and_comes_late_is_the_persons(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(says("before", OLD, "DE.1"))
    await gateway.drain()
    await gateway.keep(notice(wa_id=NEW, user_id="DE.2", previous_user_id="DE.1"))
    await gateway.keep(says("late", OLD, "DE.1"))
    await gateway.drain()
    assert said(peers, person) == ["before", "late"]
    assert peers.phones[NEW] == ["late"]


async def test_the_new_holder_of_the_new_numbers_old_id_is_not_taken_along(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(says("before", OLD, "DE.1"), says("a stranger", NEW, "DE.9"))
    await gateway.drain()
    await gateway.keep(notice(wa_id=NEW, user_id="DE.2", previous_user_id="DE.1"))
    await gateway.keep(says("after", NEW, "DE.2"))
    await gateway.drain()
    assert said(peers, person) == ["before", "after"]


async def test_a_notice_about_an_unknown_id_takes_no_number_from_its_holder(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    holder = await linked(f"+{NEW}")
    await gateway.keep(says("one", NEW, "DE.9"))
    await gateway.drain()
    await gateway.keep(notice(wa_id=NEW, user_id="DE.2", previous_user_id="DE.1"), says("two", NEW, "DE.9"))
    await gateway.drain()
    assert said(peers, holder) == ["one", "two"]
    assert (
        await gateway.pool.fetchval("select count(*) from whatsapp.events where state = 'quarantined'") == 0
    )


async def test_a_link_that_changes_between_is_not_undone_by_a_move(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database, linked: Link
) -> None:
    """Ingest read the contact while it was pinned; when it saves it, the link is gone."""
    await gateway.keep(says("before", OLD, "DE.1"))
    await gateway.drain()
    await database.admin(
        "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null"
        " where user_id = $1",
        person,
    )
    await gateway.keep(notice(wa_id=NEW, user_id="DE.2", previous_user_id="DE.1"), says("after", NEW, "DE.2"))
    await gateway.drain()
    assert said(peers, person) == ["before"]
    second = await linked(f"+{NEW}")
    await gateway.drain()
    assert said(peers, second) == ["after"]


async def test_one_item_that_cannot_be_stored_costs_its_siblings_nothing(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database
) -> None:
    await database.admin(
        """do $do$ begin
          create function whatsapp.picky() returns trigger language plpgsql as $$ begin
            if new.words = 'broken' then raise exception using errcode = '22P02'; end if;
            return new; end $$;
          create trigger picky before insert on whatsapp.events
            for each row execute function whatsapp.picky();
        end $do$"""
    )
    await gateway.keep(says("one", OLD), says("broken", OLD), says("two", OLD))
    await gateway.keep(says("three", OLD))
    await gateway.drain()
    assert said(peers, person) == ["one", "two", "three"]
    rows = await gateway.pool.fetch("select reason from whatsapp.events where state = 'quarantined'")
    assert [row["reason"] for row in rows] == ["InvalidTextRepresentationError"]


async def test_what_was_held_follows_when_a_hidden_number_is_shown(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    await gateway.keep(says("one", None, "DE.1"))
    await gateway.drain()
    person = await linked(f"+{OLD}")
    await gateway.keep(says("two", None, "DE.1"))
    await gateway.drain()
    assert said(peers, person) == []
    await gateway.keep(says("three", OLD, "DE.1"))
    await gateway.drain()
    assert said(peers, person) == ["one", "two", "three"]
    assert peers.phones[OLD][-3:] == ["one", "two", "three"]


async def test_what_was_held_for_a_number_follows_when_its_id_is_a_users(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(says("before", OLD, "DE.1"))
    await gateway.keep(says("from the new number", NEW))
    await gateway.drain()
    await gateway.keep(says("now with the id", NEW, "DE.1"))
    await gateway.drain()
    assert said(peers, person) == ["before", "from the new number", "now with the id"]


async def test_what_was_held_goes_first_when_the_owner_is_found_by_what_meta_calls_the_number(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    await gateway.keep(says("one", OLD))
    await gateway.drain()
    person = await linked(f"+{NEWER}")
    await gateway.pool.execute("update whatsapp.contacts set alias_digits = $1", NEWER)
    await gateway.keep(says("two", OLD))
    await gateway.drain()
    assert said(peers, person) == ["one", "two"]
    assert peers.phones[OLD][-2:] == ["one", "two"]


async def test_who_moved_stays_known_when_a_hidden_sender_turns_out_to_be_the_same_person(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(says("one", OLD))
    await gateway.drain()
    await gateway.keep(notice(wa_id=NEW))
    await gateway.keep(says("hidden", None, "DE.2"))
    await gateway.drain()
    await gateway.keep(says("shown", NEW, "DE.2"))
    await gateway.drain()
    assert said(peers, person) == ["one", "hidden", "shown"]


async def test_what_meta_called_a_number_is_forgotten_with_it(
    gateway: Gateway, peers: FakePeers, linked: Link, database: Database
) -> None:
    """Who has the number now links it as Meta calls it: the former holder's words are not theirs."""
    await linked("+5511987654321")
    await gateway.keep(says("mine", "551187654321", "BR.1"))
    await gateway.drain()
    await gateway.pool.execute("update whatsapp.contacts set alias_digits = '5511987654321'")
    await gateway.keep(says("from the new holder", "551187654321", "BR.2"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences")
    heir = await linked("+5511987654321")
    await gateway.keep(says("not the heir's", None, "BR.1"))
    await gateway.drain()
    assert "not the heir's" not in said(peers, heir)


@pytest.mark.parametrize("together", [False, True], ids=["apart", "in one round"])
async def test_a_number_that_a_user_left_stays_left_when_two_of_its_new_holders_contacts_are_one(
    gateway: Gateway, peers: FakePeers, person: UUID, together: bool
) -> None:
    """The last notice is about two contacts that are known, and nobody new."""
    await gateway.keep(says("the owner's", OLD, "DE.1"), says("a stranger's", NEW, "DE.3"))
    await gateway.drain()
    await gateway.keep(notice(wa_id=NEWER, user_id="DE.2", previous_user_id="DE.1"))
    if not together:
        await gateway.drain()
    await gateway.keep(says("from the number that was left", OLD, "DE.4"))
    await gateway.drain()
    await gateway.keep(notice(number=NEW, wa_id=OLD, user_id="DE.4", previous_user_id="DE.3"))
    await gateway.keep(says("and after the notice", OLD, "DE.4"))
    await gateway.drain()
    assert said(peers, person) == ["the owner's"]
