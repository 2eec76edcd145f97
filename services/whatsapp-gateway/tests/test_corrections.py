"""What is edited or deleted on the phone is changed in the log, in what waits, and in what is stored here.

Decision 0141.
"""

import time
from datetime import datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.exceptions import Release

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .fake_peers import FakePeers, Reset

WORDS = "my card is 4111"
NOW = int(time.time()) - 60
Json = dict[str, Any]


def said(words: str = WORDS, **more: Any) -> Json:
    return meta.text(body=words, id="wamid.said", **more)


def edited(words: str = "never mind", key: str = "wamid.edit", **more: Any) -> Json:
    new = {"type": "text", "text": {"body": words}}
    edit = {"original_message_id": "wamid.said", "message": new}
    return meta.text(id=key, type="edit", edit=edit, **more)


def deleted(**more: Any) -> Json:
    return meta.text(id="wamid.revoke", type="revoke", revoke={"original_message_id": "wamid.said"}, **more)


async def after(gateway: Gateway, *deliveries: Json) -> None:
    for one in deliveries:
        await gateway.keep(one)
        await gateway.drain()


async def traces(gateway: Gateway, words: str = WORDS) -> list[str]:
    """The tables of the gateway in which these words stand; an answer that was sent is not a copy."""
    text, raw = f"%{words}%", f"%{words}%".encode()
    return [
        row["name"]
        for row in await gateway.pool.fetch(
            "select 'events' as name from whatsapp.events where words like $1 or item like $2"
            " union all select 'deliveries' from whatsapp.deliveries where body like $2",
            text,
            raw,
        )
    ]


async def test_an_edit_changes_the_words_in_the_log_and_gets_no_answer(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await after(gateway, said(), edited(), edited())
    assert peers.turns(person) == [("user", "never mind"), ("assistant", WORDS)]
    assert len(peers.sent) == 1


async def test_a_deletion_empties_the_log_and_takes_all_copies_along(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await after(gateway, said(), edited("my card is 4111 1111"))
    await gateway.keep(said(), meta.text(body="beside it"))
    await after(gateway, deleted())
    assert peers.turns(person)[0] == ("user", "")
    assert await traces(gateway) == []
    # Also what Meta delivers again later.
    await gateway.keep(said(), meta.text(body="beside it too"))
    await after(gateway, deleted())
    assert await traces(gateway) == []
    said_by_user = [content for role, content in peers.turns(person) if role == "user"]
    assert said_by_user == ["", "beside it", "beside it too"]


CHANGES = [said(timestamp=str(NOW)), edited("draft", timestamp=str(NOW + 1)), deleted(timestamp=str(NOW + 2))]


@pytest.mark.parametrize("order", [*permutations(range(3))])
@pytest.mark.parametrize("together", [False, True])
async def test_a_message_that_was_deleted_ends_alike_in_any_order(
    gateway: Gateway, peers: FakePeers, person: UUID, order: tuple[int, ...], together: bool
) -> None:
    if together:
        await gateway.keep(*(CHANGES[number] for number in order))
        await gateway.drain()
    else:
        await after(gateway, *(CHANGES[number] for number in order))
    asked_first = not together and order.index(0) < order.index(2)
    log = [content for role, content in peers.turns(person) if role == "user"]
    assert log == ([""] if asked_first else [])
    assert len(peers.sent) == int(asked_first)
    assert await traces(gateway) == await traces(gateway, "draft") == []


@pytest.mark.parametrize("order", [*permutations(range(3))])
async def test_a_message_that_was_edited_is_answered_as_it_is_now(
    gateway: Gateway, peers: FakePeers, person: UUID, order: tuple[int, ...]
) -> None:
    first = edited("first", "wamid.e1", timestamp=str(NOW + 1))
    last = edited("last", "wamid.e2", timestamp=str(NOW + 2))
    parts = [said(timestamp=str(NOW)), first, last]
    for number in order:
        await gateway.keep(parts[number])
        await gateway.ingest()
    await gateway.drain()
    assert peers.turns(person) == [("user", "last"), ("assistant", "last")]


@pytest.mark.parametrize("waits", [False, True])
async def test_a_message_that_was_edited_before_it_was_logged_stands_in_the_log_as_edited_then(
    gateway: Gateway, peers: FakePeers, person: UUID, waits: bool
) -> None:
    """And an older edit that comes late changes nothing, as with any other."""
    if waits:
        peers.before["avatar"].append(Reset())
        await gateway.keep(said(timestamp=str(NOW)))
        await gateway.round()
    await after(gateway, edited("last", "wamid.e2", timestamp=str(NOW + 2)))
    if not waits:
        await after(gateway, said(timestamp=str(NOW)))
    await after(gateway, edited("first", "wamid.e1", timestamp=str(NOW + 1)))
    assert peers.turns(person) == [("user", "last"), ("assistant", "last")]
    assert datetime.fromisoformat(peers.log[0]["edited_at"]).timestamp() == NOW + 2


async def test_what_waits_for_its_answer_is_not_answered_once_it_was_deleted(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    peers.before["avatar"].extend([Reset()] * 2)
    await gateway.keep(said())
    await gateway.round()
    assert peers.turns(person) == []
    await after(gateway, deleted(), meta.text(body="next"))
    assert peers.turns(person) == [("user", "next"), ("assistant", "next")]
    assert (await gateway.states())[0] == ("wamid.said", "discarded")


async def test_what_was_logged_and_not_answered_yet_is_not_answered_once_it_was_deleted(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    peers.after["messages"].append(Reset())
    await gateway.keep(said())
    await gateway.round()
    assert peers.turns(person) == [("user", WORDS)]
    await after(gateway, deleted())
    assert (peers.turns(person), peers.sent) == ([("user", "")], [])


async def test_an_answer_that_was_not_called_yet_is_withdrawn_when_its_message_is_deleted(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(said())
    await gateway.ingest()
    [lane] = await gateway.claim()
    await outbox.prepare(gateway.pool, lane.events[0], outbox.Whose(person, None), [WORDS], 20.0)
    await lanes.give_back(gateway.pool, lane, Release())
    await after(gateway, deleted())
    assert peers.sent == []
    assert await gateway.pool.fetchval("select count(*) from whatsapp.outbox") == 0
    assert dict(await gateway.states()) == {"wamid.said": "done", "wamid.revoke": "done"}


@pytest.mark.parametrize("code", [130429, 131056])
async def test_an_answer_that_meta_did_not_take_is_withdrawn_when_its_message_is_deleted(
    gateway: Gateway, peers: FakePeers, person: UUID, code: int
) -> None:
    peers.before["graph!"].append((400, {"error": {"code": code}}))
    await gateway.keep(said())
    await gateway.round()
    rows = await gateway.pool.fetch("select state, attempts from whatsapp.outbox")
    assert [tuple(row) for row in rows] == [("ready", 1)]
    await after(gateway, deleted())
    assert peers.sent == []
    assert await gateway.pool.fetchval("select count(*) from whatsapp.outbox") == 0


async def test_what_is_held_is_changed_too_without_a_second_notice(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    kept = meta.text(body="keep this", id="wamid.kept")
    change = {"original_message_id": "wamid.kept", "message": {"type": "text", "text": {"body": "kept"}}}
    await after(gateway, said(), kept, deleted(), meta.text(type="edit", edit=change))
    assert len(peers.sent) == 1
    assert await traces(gateway) == []
    person = await linked("+4915112345678")
    await gateway.drain()
    assert peers.turns(person) == [("user", "kept"), ("assistant", "kept")]


async def test_nobody_changes_what_another_contact_said(
    gateway: Gateway, peers: FakePeers, person: UUID, linked: LinkNumber
) -> None:
    await linked("+4917000000000")
    await after(gateway, said(), edited(sender="4917000000000"), deleted(sender="4917000000000"))
    assert peers.turns(person) == [("user", WORDS), ("assistant", WORDS)]
    assert await traces(gateway) == ["events", "deliveries"]


async def test_a_change_waits_while_messaging_is_away(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await after(gateway, said())
    peers.before["corrections"].extend([Reset(), Reset()])
    peers.after["corrections"].append(Reset())
    await after(gateway, deleted())
    assert peers.turns(person)[0] == ("user", "")
    assert dict(await gateway.states()) == {"wamid.said": "done", "wamid.revoke": "done"}


async def test_what_was_deleted_is_not_logged_by_a_replay(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(said())
    await gateway.ingest()
    await gateway.pool.execute("update whatsapp.events set state = 'dead' where key = 'wamid.said'")
    await after(gateway, deleted())
    assert await traces(gateway) == []
    await gateway.pool.execute(
        "with again as ("
        " update whatsapp.events set state = 'ready' where key = 'wamid.said' returning contact_id"
        ") select whatsapp.wake(array(select contact_id from again), true)"
    )
    await gateway.drain()
    assert peers.turns(person) == []
    assert dict(await gateway.states())["wamid.said"] == "discarded"


async def test_a_gateway_of_the_release_does_not_take_a_change_for_a_message(
    gateway: Gateway, person: UUID
) -> None:
    claim = "select contact_id from whatsapp.claim(10, interval '20 s')"
    await gateway.keep(deleted())
    await gateway.ingest()
    assert await gateway.pool.fetch(claim) == []
    await gateway.drain()
    await gateway.keep(meta.text(body="hello"))
    await gateway.ingest()
    assert len(await gateway.pool.fetch(claim)) == 1
