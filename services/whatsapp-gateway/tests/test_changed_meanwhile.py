"""What is edited or deleted on the phone while it waits for the answerer, or while that thinks about it.

Decision 0152.
"""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from ava_local.testing.waiting import eventually

from . import meta_payloads as meta
from .answering_service import SECRET, AnsweringService
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import FakePeers

PHONE, OTHER = "4915112345678", "4915187654321"
SLIP = "my card is 4111"
Json = dict[str, Any]


def slip(**more: Any) -> Json:
    return meta.text(body=SLIP, id="wamid.slip", **more)


def corrected(words: str | None, key: str = "wamid.slip", **more: Any) -> Json:
    """The edit to these words, or the deletion, of the message with this key."""
    new = {"type": "text", "text": {"body": words}}
    about = {"original_message_id": key}
    if words is None:
        return meta.text(type="revoke", revoke=about, **more)
    return meta.text(type="edit", edit={**about, "message": new}, **more)


async def thinking_gateway(gateways: StartGateway, answerer: AnsweringService, **more: object) -> Gateway:
    return await gateways(answer_url=answerer.url, answer_secret=SECRET, **more)


@pytest.mark.parametrize("new", ["never mind", None])
async def test_words_that_were_taken_back_while_they_waited_are_told_to_nobody(
    gateways: StartGateway,
    answerer: AnsweringService,
    peers: FakePeers,
    linked: LinkNumber,
    new: str | None,
) -> None:
    await linked(f"+{PHONE}")
    person = await linked(f"+{OTHER}")
    gateway = await thinking_gateway(gateways, answerer, answer_concurrency=1)
    release = asyncio.Event()
    answerer.plan["slow"].append(release.wait)
    await gateway.keep(meta.text(body="slow"))
    await gateway.ingest()
    running = [asyncio.create_task(gateway.run(lane)) for lane in await gateway.claim()]
    await asyncio.wait_for(answerer.reached["slow"].wait(), 30)
    await gateway.keep(slip(sender=OTHER))
    await gateway.ingest()
    running += [asyncio.create_task(gateway.run(lane)) for lane in await gateway.claim()]
    await eventually(lambda: len(gateway.keeper.kept) == 2)
    await gateway.keep(corrected(new, sender=OTHER))
    await gateway.ingest()
    release.set()
    await asyncio.gather(*running)
    await gateway.drain()
    assert answerer.asked(SLIP) == 0
    answered = [f"re: {new}"] if new else []
    assert peers.phones[OTHER] == answered
    assert peers.turns(person) == [("user", new or ""), *(("assistant", words) for words in answered)]


@pytest.mark.parametrize("new", ["never mind", None])
async def test_the_answer_to_words_that_were_taken_back_meanwhile_is_not_sent(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID, new: str | None
) -> None:
    gateway = await thinking_gateway(gateways, answerer)
    release = asyncio.Event()
    answerer.plan[SLIP].append(release.wait)
    await gateway.keep(slip())
    await gateway.ingest()
    running = [asyncio.create_task(gateway.run(lane)) for lane in await gateway.claim()]
    await asyncio.wait_for(answerer.reached[SLIP].wait(), 30)
    await gateway.keep(corrected(new), meta.text(body="next"))
    await gateway.ingest()
    release.set()
    await asyncio.gather(*running)
    await gateway.drain()
    assert peers.phones[PHONE] == [*([f"re: {new}"] if new else []), "re: next"]
    assert answerer.asked(SLIP) == 1


async def test_an_edited_message_is_asked_about_under_a_key_of_its_own_and_keeps_it(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    """An answerer may give again what it answered under a key, and that was about other words."""
    gateway = await thinking_gateway(gateways, answerer)
    answerer.plan[SLIP].append((500, {}, {}))
    answerer.plan["never mind"].append((500, {}, {}))
    await gateway.keep(slip())
    await gateway.round()
    await gateway.keep(corrected("never mind"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["re: never mind"]
    first, second, again = answerer.keys
    assert first != second == again


async def test_the_history_holds_nothing_that_was_taken_back_a_moment_ago(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await thinking_gateway(gateways, answerer)
    await gateway.keep(slip())
    await gateway.drain()
    await gateway.keep(meta.text(body="next"))
    await gateway.ingest()
    [lane] = await gateway.claim()
    await gateway.keep(corrected(None))
    await gateway.ingest()
    await gateway.run(lane)
    await gateway.drain()
    assert [turn["text"] for turn in answerer.questions[-1]["history"]] == [f"re: {SLIP}"]


async def test_the_history_ends_before_the_turn(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    """Written in the app while the message waited for the answerer."""
    gateway = await thinking_gateway(gateways, answerer, answer_history=2)
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    answerer.plan["three"].append((500, {}, {}))
    await gateway.keep(meta.text(body="three"))
    await gateway.round()
    for number in range(4):
        peers.write_in_the_app(person, f"later {number}")
    await gateway.drain()
    assert answerer.asked("three") == 2
    for question in answerer.questions[-2:]:
        assert [turn["text"] for turn in question["history"]] == ["two", "re: two"]
