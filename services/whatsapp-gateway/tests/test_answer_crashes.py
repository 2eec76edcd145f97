"""A process killed at each point of thinking: one answer a message, and none asked for once it is decided.

Decision 0144.
"""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any
from uuid import UUID

import httpx
import pytest

from ava_local.ports import free_port
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually, until_ready

from . import meta_payloads as meta
from .answering_service import SECRET, AnsweringService
from .conftest import MakeSettings, StartGateway
from .fake_peers import FakePeers, Hang
from .test_crashes import killed_at
from .waiting import until_blocked

PHONE = "4915112345678"
WORDS = ["one", "two"]


async def drained(gateways: StartGateway, answerer: AnsweringService, **more: Any) -> None:
    second = await gateways(answer_url=answerer.url, answer_secret=SECRET, lease_seconds=1.0, **more)
    await second.drain()


async def check(peers: FakePeers, answerer: AnsweringService, person: UUID, *, asked: int) -> None:
    """Each message has one answer, in order; the first was asked about so often, with one key."""
    assert peers.phones[PHONE] == ["re: one", "re: two"]
    assert [text for role, text in peers.turns(person) if role == "user"] == WORDS
    assert [text for role, text in peers.turns(person) if role == "assistant"] == ["re: one", "re: two"]
    assert (answerer.asked("one"), answerer.asked("two")) == (asked, 1)
    assert len(set(answerer.keys)) == 2


@pytest.mark.parametrize("place", ["before history", "after history", "after avatar"])
async def test_killed_before_the_question(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID, place: str
) -> None:
    first = await gateways(answer_url=answerer.url, answer_secret=SECRET, lease_seconds=0.3)
    await first.keep(*(meta.text(body=words) for words in WORDS))
    when, step = place.split()
    getattr(peers, when)[step].append(Hang())
    await killed_at(first, peers, place)
    await drained(gateways, answerer)
    await check(peers, answerer, person, asked=1)


async def test_killed_while_thinking(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    first = await gateways(answer_url=answerer.url, answer_secret=SECRET, lease_seconds=0.3)
    await first.keep(*(meta.text(body=words) for words in WORDS))
    answerer.plan["one"].append(asyncio.Event().wait)
    await first.ingest()
    [lane] = await first.claim(1)
    running = asyncio.create_task(first.run(lane))
    await asyncio.wait_for(answerer.reached["one"].wait(), 30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await drained(gateways, answerer)
    await check(peers, answerer, person, asked=2)


async def test_killed_while_the_answer_is_being_stored(
    gateways: StartGateway,
    answerer: AnsweringService,
    peers: FakePeers,
    person: UUID,
    database: Database,
) -> None:
    """Stored or not: then it is asked for again, and only then."""
    first = await gateways(answer_url=answerer.url, answer_secret=SECRET, lease_seconds=5.0)
    await first.keep(*(meta.text(body=words) for words in WORDS))
    think = asyncio.Event()
    answerer.plan["one"].append(think.wait)
    await first.ingest()
    [lane] = await first.claim(1, 0.3)
    running = asyncio.create_task(first.run(lane))
    await asyncio.wait_for(answerer.reached["one"].wait(), 30)
    async with first.pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table whatsapp.outbox in access exclusive mode")
        think.set()
        await until_blocked(database)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    decided = await first.pool.fetchval("select count(*) from whatsapp.outbox")
    await drained(gateways, answerer)
    await check(peers, answerer, person, asked=1 if decided else 2)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_after_the_answer_was_decided_it_is_never_asked_for_again(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID, when: str
) -> None:
    own = {"answer_url": answerer.url, "answer_secret": SECRET, "typing_indicator": "off"}
    first = await gateways(**own, lease_seconds=0.3)
    await first.keep(meta.text(body="one"))
    getattr(peers, when)["graph"].append(Hang())
    await killed_at(first, peers, f"{when} graph")
    second = await gateways(**own, lease_seconds=1.0)
    await second.drain()
    assert peers.phones[PHONE] == (["re: one"] if when == "after" else [])  # unknown, so never repeated
    assert answerer.asked("one") == 1
    assert [state for _, state in await second.states()] == ["awaiting"]


async def test_killed_before_the_answer_is_logged_it_is_not_asked_for_again(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    first = await gateways(answer_url=answerer.url, answer_secret=SECRET, lease_seconds=0.3)
    await first.keep(*(meta.text(body=words) for words in WORDS))

    async def hang_at_the_next() -> None:
        peers.before["messages"].append(Hang())

    peers.after["messages"].append(hang_at_the_next)
    await killed_at(first, peers, "before messages", skip=1)
    await drained(gateways, answerer)
    await check(peers, answerer, person, asked=1)


@pytest.mark.usefixtures("processes")
async def test_a_process_that_is_killed_while_it_thinks_about_many_is_replaced(
    settings: MakeSettings,
    answerer: AnsweringService,
    peers: FakePeers,
    person: UUID,
) -> None:
    """kill -9 of a real process; its successor asks again with the same key once the lease is over."""
    chosen = settings()
    variables = {
        "WHATSAPP_GATEWAY_DATABASE_URL": chosen.database_url.get_secret_value(),
        "WHATSAPP_GATEWAY_CLIENT_SECRET": chosen.client_secret.get_secret_value(),
        "WHATSAPP_GATEWAY_APP_SECRETS": meta.APP_SECRET,
        "WHATSAPP_GATEWAY_VERIFY_TOKEN": chosen.verify_token.get_secret_value(),
        "WHATSAPP_GATEWAY_ACCESS_TOKEN": chosen.access_token.get_secret_value(),
        "WHATSAPP_GATEWAY_PHONE_NUMBER_ID": meta.NUMBER_ID,
        "WHATSAPP_GATEWAY_LEASE": "2",
        "WHATSAPP_GATEWAY_GRAPH_TIMEOUT": "0.9",
        "WHATSAPP_GATEWAY_POLL": "0.1",
        "WHATSAPP_GATEWAY_ANSWER_URL": answerer.url,
        "WHATSAPP_GATEWAY_ANSWER_SECRET": SECRET,
        **dict.fromkeys(["AUTH_URL", "PROFILE_URL", "MESSAGING_URL", "GRAPH_API_URL"], peers.url),
    }
    answerer.plan["one"].append(asyncio.Event().wait)
    for last in (False, True):
        port = free_port()
        command = [sys.executable, "-m", "ava_common.serve", "ava_whatsapp_gateway.app:build"]
        process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
            [*command, "--port", str(port)], env={**os.environ, **variables}, stdout=subprocess.DEVNULL
        )
        try:
            await until_ready(f"http://127.0.0.1:{port}/healthz", process)
            if last:
                await eventually(lambda: len(peers.log) == 4)
            else:
                body = meta.envelope(*(meta.text(body=words) for words in WORDS))
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                    await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
                await asyncio.wait_for(answerer.reached["one"].wait(), 60)
        finally:
            process.send_signal(signal.SIGTERM if last else signal.SIGKILL)
            process.wait(60)
    await check(peers, answerer, person, asked=2)
