"""A Graph API that does not answer stops the sending of its number, and costs few messages an operator."""

from uuid import UUID

import pytest

from ava_local.ports import free_port
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.queue import backlog

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import Answer, FakePeers, Reset

PHONES = [f"49151000000{n:02}" for n in range(20)]
SORRY: Answer = (503, b"<html>Sorry</html>")


@pytest.fixture
async def people(linked: LinkNumber) -> list[UUID]:
    return [await linked(f"+{phone}") for phone in PHONES]


async def say(gateway: Gateway, words: str) -> None:
    await gateway.keep(*(meta.text(sender=phone, body=words) for phone in PHONES))


async def outbox(database: Database) -> dict[str, int]:
    rows = await database.admin("select state, count(*) from whatsapp.outbox group by state")
    return {row[0]: row[1] for row in rows}


async def is_open(database: Database) -> bool:
    rows = await database.admin("select circuit_open from whatsapp.numbers")
    return bool(rows and rows[0][0])


async def until_probed(gateway: Gateway, peers: FakePeers) -> None:
    """Work until Graph was asked twice whether it is back."""

    async def was_asked() -> bool:
        await gateway.round()
        return peers.calls.count("number") >= 2

    await eventually(was_asked)


@pytest.mark.parametrize("answer", [SORRY, (403, b"<html>Blocked</html>"), (200, b"[]"), (302, b"")])
async def test_calls_in_a_row_without_an_answer_of_graphs_own_open_the_circuit(
    gateway: Gateway, peers: FakePeers, people: list[UUID], database: Database, answer: Answer
) -> None:
    peers.before["graph!"].extend([answer] * 500)
    peers.before["number!"].extend([answer] * 500)
    await say(gateway, "one")
    await until_probed(gateway, peers)
    assert await is_open(database)
    assert peers.calls.count("graph") == 5  # and not one a message
    assert await outbox(database) == {"unknown": 5, "ready": 15}
    peers.before["graph!"].clear()
    peers.before["number!"].clear()
    await gateway.drain()
    assert not await is_open(database)
    assert await outbox(database) == {"unknown": 5, "accepted": 15}


async def test_a_connection_that_is_never_made_counts_too_and_costs_nothing(
    gateways: StartGateway, peers: FakePeers, people: list[UUID], database: Database
) -> None:
    dead = await gateways(graph_api_url=f"http://127.0.0.1:{free_port()}")
    await say(dead, "one")
    for _ in range(3):
        await dead.round()
    assert await is_open(database)
    assert await outbox(database) == {"ready": 20}
    (told,) = [each for each in await backlog.findings(dead.pool, dead.settings) if each.pointer == "circuit"]
    assert "GRAPH_API_URL does not answer" in told.detail
    assert "ACCESS_TOKEN" not in told.detail
    alive = await gateways()
    await alive.drain()
    assert await outbox(database) == {"accepted": 20}


async def test_an_answer_between_them_ends_the_row(
    gateway: Gateway, peers: FakePeers, people: list[UUID], database: Database
) -> None:
    refused: Answer = (400, {"error": {"code": 131026}})
    peers.before["graph!"].extend([*[SORRY] * 4, refused, *[SORRY] * 4])
    await say(gateway, "one")
    await gateway.drain()
    assert not await is_open(database)
    assert await outbox(database) == {"unknown": 8, "failed": 1, "accepted": 11}


async def test_graph_that_answers_questions_and_takes_no_message_costs_one_message_a_probe(
    gateway: Gateway, peers: FakePeers, people: list[UUID], database: Database
) -> None:
    peers.before["graph!"].extend([SORRY] * 500)
    await say(gateway, "one")
    await until_probed(gateway, peers)
    assert await is_open(database)
    probes = peers.calls.count("number")
    assert (await outbox(database))["unknown"] == 5 + probes
    peers.before["graph!"].clear()
    await gateway.drain()


async def test_a_broken_credential_keeps_its_circuit_while_graph_answers(
    gateway: Gateway, peers: FakePeers, people: list[UUID], database: Database
) -> None:
    peers.before["graph!"].extend([*[SORRY] * 5, (401, {"error": {"code": 190}})])
    await say(gateway, "one")
    await gateway.drain()
    assert await outbox(database) == {"unknown": 5, "accepted": 15}
    assert not await is_open(database)


async def test_a_lost_answer_now_and_then_opens_nothing(
    gateway: Gateway, peers: FakePeers, people: list[UUID], database: Database
) -> None:
    for _ in range(4):
        peers.after["graph"].append(Reset())
    await say(gateway, "one")
    await gateway.drain()
    assert not await is_open(database)


async def test_a_circuit_that_has_just_opened_asks_within_seconds_and_after_a_risked_message_later(
    gateways: StartGateway, peers: FakePeers, people: list[UUID], database: Database
) -> None:
    """What was in flight when it opened says nothing new, so that it must not put off the question."""
    gateway = await gateways(probe_seconds=3600)
    to_probe = "select extract(epoch from probe_at - clock_timestamp()) from whatsapp.numbers"
    peers.before["graph!"].extend([SORRY] * 6)
    await say(gateway, "one")
    await gateway.round()
    assert await is_open(database)
    assert (await database.admin(to_probe))[0][0] <= 5
    await database.admin("update whatsapp.numbers set probe_at = now()")
    await database.admin("update whatsapp.lanes set due_at = now()")
    await gateway.round()  # asked, risked, unknown
    assert peers.calls.count("number") == 1
    assert (await outbox(database))["unknown"] == 6
    assert (await database.admin(to_probe))[0][0] > 3000
