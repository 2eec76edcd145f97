"""Unlinked senders: one polite answer a day; their messages are held, and handled once they link."""

import asyncio

import pytest

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.metrics import BACKLOG
from ava_whatsapp_gateway.outbox import calls
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.queue import maintenance

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import Answer, FakePeers, Reset

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


async def test_a_notice_of_which_nobody_knows_whether_it_arrived_is_nothing_to_decide(
    gateways: StartGateway, peers: FakePeers
) -> None:
    """It would be counted as waiting for an operator, who is not shown it and can do nothing about it."""
    gateway = await gateways(unknown_wait_seconds=0.01)
    peers.after["graph"].append(Reset())
    await gateway.keep(meta.text(body="hi"))
    await gateway.drain()
    await asyncio.sleep(0.05)
    for _ in range(2):
        await maintenance.run(gateway.pool, gateway.settings)
    assert await gateway.pool.fetchval("select state from whatsapp.outbox") == "unresolved"
    assert [state for _, state in await gateway.states()] == ["held"]
    assert BACKLOG.labels("sends", "unresolved")._value.get() == 0


UNLINK = (
    "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null where user_id = $1"
)
BROKEN_CREDENTIAL = 401, {"error": {"code": 190}}


async def notices(gateway: Gateway) -> list[tuple[str, bool]]:
    """The state of each notice, and whether it is the one of its day."""
    rows = await gateway.pool.fetch(
        "select state, notice_day from whatsapp.outbox where kind = 'notice' order by id"
    )
    return [(row["state"], row["notice_day"] is not None) for row in rows]


async def test_a_notice_that_was_not_sent_before_the_link_ends_and_leaves_the_day_to_the_next(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    peers.before["graph!"].append(BROKEN_CREDENTIAL)
    await gateway.keep(meta.text(body="hi"))
    await gateway.round()
    assert await notices(gateway) == [("ready", True)]
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert await notices(gateway) == [("discarded", False)]
    assert peers.phones[PHONE] == ["hi"]
    await database.admin(UNLINK, person)
    await gateway.keep(meta.text(body="and now?"))
    await gateway.drain()
    assert "don't know this number" in peers.phones[PHONE][-1]


async def test_a_notice_about_what_its_sender_deleted_is_not_sent(gateway: Gateway, peers: FakePeers) -> None:
    peers.before["graph!"].append(BROKEN_CREDENTIAL)
    message = meta.text(body="a slip")
    await gateway.keep(message)
    await gateway.round()
    await gateway.keep(meta.text(type="revoke", revoke={"original_message_id": message["id"]}))
    await gateway.drain()
    assert await notices(gateway) == [("discarded", False)]
    assert peers.phones[PHONE] == []


async def test_a_notice_that_turns_out_not_to_have_been_called_ends_with_its_event(
    gateway: Gateway, linked: LinkNumber, peers: FakePeers
) -> None:
    """Its worker stood still; another one has handled the event since."""
    await gateway.keep(meta.text(body="hi"))
    await gateway.ingest()
    [lane] = await gateway.claim()
    [event] = lane.events
    [notice] = await outbox.prepare_notice(gateway.pool, event, "how to link", daily=True)
    await calls.begin(gateway.writes, event, notice, gateway.settings)
    await gateway.pool.execute("update whatsapp.events set state = 'done'")
    await outbox.mark_not_called(gateway.pool, event, notice.id, 1)
    assert await notices(gateway) == [("discarded", False)]


ALIAS = "4917000000000"


def accepted_as(alias: str) -> Answer:
    """What Graph answers when it has another name for the number."""
    contacts = [{"input": PHONE, "wa_id": alias}]
    return 200, {"messages": [{"id": "wamid.under-another-name"}], "contacts": contacts}


async def test_a_message_whose_senders_other_name_becomes_known_meanwhile_is_not_held(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    person = await linked(f"+{ALIAS}")
    peers.before["graph!"].append(accepted_as(ALIAS))
    await gateway.keep(meta.text(body="hi"), meta.text(body="me"))
    await gateway.drain()
    assert [words for role, words in peers.turns(person) if role == "user"] == ["hi", "me"]
    assert {state for _, state in await gateway.states()} == {"done"}


@pytest.mark.parametrize(("minutes", "heard"), [(10, ["hi"]), (70, [])])
async def test_a_name_that_becomes_known_late_gives_recent_words(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, minutes: int, heard: list[str]
) -> None:
    """The answer to the call came after the event had been held."""
    await gateway.keep(meta.text(body="hi"))
    await gateway.drain()
    await gateway.pool.execute(
        "update whatsapp.events set received_at = received_at - make_interval(mins => $1)", minutes
    )
    person = await linked(f"+{ALIAS}")
    [send_id] = [row["id"] for row in await gateway.pool.fetch("select id from whatsapp.outbox")]
    send = await outbox.get(gateway.pool, send_id)
    await calls.mark_accepted(gateway.writes, send, "wamid.late", ALIAS, meta.NUMBER_ID)
    await gateway.drain()
    assert [words for role, words in peers.turns(person) if role == "user"] == heard
    assert "held" not in [state for _, state in await gateway.states()]
