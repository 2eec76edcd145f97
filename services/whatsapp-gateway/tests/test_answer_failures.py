"""An answerer that fails: waited for like a service of our own, until Meta's window closes; or refuses.

Decision 0145.
"""

import asyncio
import gzip
import json
import re
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.handling.answerer import Answer, Context
from ava_whatsapp_gateway.handling.handler import TOO_LATE
from ava_whatsapp_gateway.peers.messaging import Turn

from . import meta_payloads as meta
from .answering_service import SECRET, AnsweringService
from .conftest import LinkNumber, MakeSettings, RunService, StartGateway
from .fake_peers import FakePeers, Reset

PHONE, OTHER = "4915112345678", "4915187654321"
JSON, HTML = {"content-type": "application/json"}, {"content-type": "text/html"}
PROBLEM = {"content-type": "application/problem+json"}
WAITED_FOR: dict[str, Any] = {
    "a failure": (500, {"detail": "out of memory"}, JSON),
    "a page of a proxy": (200, b"<html>Sorry</html>", HTML),
    "another service": (404, {"detail": "Not Found"}, JSON),
    "a wrong secret": (401, {"detail": "no"}, JSON),
    "a question that it cannot read": (422, {"detail": [{"msg": "field required"}]}, JSON),
    "a redirect": (302, b"", {"location": "/elsewhere"}),
    "an answer without words": (200, {"answer": "hello"}, JSON),
    "an answer that is not text": (200, {"text": 7}, JSON),
    "a list": (200, ["text"], JSON),
    "a word about later": (503, {"detail": "loading"}, {**JSON, "retry-after": "0"}),
    "a limit": (429, {"detail": "slow down"}, JSON),
    "half an answer": Reset(),
    "an answer without an end": (200, b"x" * 2_000_000, JSON),
}


@pytest.mark.parametrize("what", WAITED_FOR)
async def test_a_failure_is_waited_out_with_the_same_key_and_holds_nobody_else(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, linked: LinkNumber, what: str
) -> None:
    await linked(f"+{PHONE}")
    await linked(f"+{OTHER}")
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET)
    answerer.plan["hard"] += [WAITED_FOR[what], WAITED_FOR[what]]
    await gateway.keep(meta.text(body="hard"), meta.text(body="easy"), meta.text(sender=OTHER, body="mine"))
    await gateway.round()
    assert peers.phones == {OTHER: ["re: mine"]}
    await gateway.drain()
    assert peers.phones[PHONE] == ["re: hard", "re: easy"]
    keys = [
        key
        for key, asked in zip(answerer.keys, answerer.questions, strict=True)
        if "hard" in str(asked["turn"])
    ]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert await gateway.pool.fetchval("select max(attempts) from whatsapp.events") == 0


async def test_an_answer_that_is_given_twice_reaches_nobody_else(
    gateways: StartGateway, peers: FakePeers, linked: LinkNumber
) -> None:
    """On one connection the second would be taken for the answer to whatever is asked next."""

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                [length] = re.findall(rb"(?i)content-length: (\d+)", head)
                words = json.loads(await reader.readexactly(int(length)))["turn"]["text"]
                answer = json.dumps({"text": f"re: {words}"}).encode()
                response = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer)
                writer.write(response + response)
        writer.close()

    await linked(f"+{PHONE}")
    await linked(f"+{OTHER}")
    server = await asyncio.start_server(twice, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    gateway = await gateways(answer_url=url, answer_secret=SECRET)
    await gateway.keep(meta.text(body="mine"), meta.text(sender=OTHER, body="yours"))
    await gateway.drain()
    server.close()
    assert peers.phones == {PHONE: ["re: mine"], OTHER: ["re: yours"]}


async def test_an_answer_that_takes_too_long_is_asked_for_again(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET, answer_timeout_seconds=0.3)
    answerer.plan["hello"].append(asyncio.Event().wait)
    await gateway.keep(meta.text(body="hello"))
    began = time.monotonic()
    await gateway.drain()
    assert time.monotonic() - began > 0.3
    assert peers.phones[PHONE] == ["re: hello"]
    assert answerer.asked("hello") == 2


async def test_a_refusal_is_that_messages_own(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET)
    answerer.plan["bad"].append((422, {"type": "about:blank", "title": "no"}, PROBLEM))
    await gateway.keep(meta.text(body="bad"), meta.text(body="good"))
    await gateway.drain()
    rows = await gateway.pool.fetch("select state, reason from whatsapp.events order by id")
    assert [tuple(row) for row in rows] == [("dead", "the answerer refused: 422"), ("done", None)]
    assert peers.phones[PHONE] == ["re: good"]
    assert peers.turns(person) == [("user", "bad"), ("user", "good"), ("assistant", "re: good")]


@pytest.mark.parametrize("said", [(204, b""), (200, {"text": " \u200b\n"}, JSON), (200, {"text": ""}, JSON)])
async def test_silence_is_an_answer(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID, said: Any
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET)
    answerer.plan["hello"].append(said)
    await gateway.keep(meta.text(body="hello"))
    await gateway.drain()
    assert peers.turns(person) == [("user", "hello")]
    assert answerer.asked("hello") == 1
    assert [state for _, state in await gateway.states()] == ["done"]


async def test_words_that_nobody_can_store_and_words_without_an_end_are_sent_as_far_as_possible(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET)
    answerer.plan["hello"].append((200, {"text": "a\x00b\ud800" + "c" * 70_000}, JSON))
    await gateway.keep(meta.text(body="hello"))
    await gateway.drain()
    assert "".join(peers.phones[PHONE]) == "ab\ufffd" + "c" * 65_533
    assert answerer.asked("hello") == 1


async def test_when_metas_window_closes_the_turn_stays_logged_and_unanswered_with_the_reason(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET, stale_after_seconds=3.0)
    answerer.plan["late"] += [(503, {}, JSON)] * 1000
    await gateway.keep(meta.text(body="late"))
    await gateway.drain()
    rows = await gateway.pool.fetch("select state, reason from whatsapp.events")
    assert [tuple(row) for row in rows] == [("done", TOO_LATE)]
    assert peers.turns(person) == [("user", "late")]
    assert peers.phones[PHONE] == []


async def test_a_thought_never_outlasts_metas_window(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET, stale_after_seconds=2.0)
    answerer.plan["late"] += [asyncio.Event().wait] * 3
    await gateway.keep(meta.text(body="late"))
    await gateway.drain(30)
    assert peers.phones[PHONE] == []
    assert answerer.asked("late") == 1


async def test_an_answerer_that_is_back_is_noticed_at_once_and_not_asked_by_all_meanwhile(
    run_service: RunService,
    settings: MakeSettings,
    answerer: AnsweringService,
    peers: FakePeers,
    linked: LinkNumber,
    database: Database,
) -> None:
    phones = [f"49151000000{n:02}" for n in range(20)]
    for phone in phones:
        await linked(f"+{phone}")
    answerer.plan["*"] += [(503, {}, JSON)] * 40
    chosen = settings(
        answer_url=answerer.url, answer_secret=SECRET, poll_seconds=0.2, backoff_unit_seconds=10.0
    )
    async with run_service(chosen) as client:
        body = meta.envelope(*(meta.text(sender=phone) for phone in phones))
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        # All once, then one at each poll; back-offs alone would take 7.5 seconds and more.
        await eventually(lambda: not answerer.plan["*"])
        asked = len(answerer.keys)
        began = time.monotonic()
        await eventually(lambda: all(peers.phones[phone] for phone in phones))
        assert time.monotonic() - began < 5.0
    assert asked <= 41
    assert all(peers.phones[phone] == ["re: hello"] for phone in phones)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (401, "it refuses WHATSAPP_GATEWAY_ANSWER_SECRET (401)"),
        (403, "it refuses WHATSAPP_GATEWAY_ANSWER_SECRET (403)"),
        (404, "WHATSAPP_GATEWAY_ANSWER_URL leads to something else (404)"),
        (307, "WHATSAPP_GATEWAY_ANSWER_URL leads to something else (307)"),
        (503, "503"),
    ],
)
async def test_what_keeps_everybody_from_an_answer_is_named_until_there_is_one(
    gateways: StartGateway,
    answerer: AnsweringService,
    person: UUID,
    capsys: pytest.CaptureFixture[str],
    said: int,
    why: str,
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET)
    answerer.plan["hello"].append((said, {}, JSON))
    await gateway.keep(meta.text(body="hello"))
    await gateway.round()
    assert gateway.handler.trouble() == f"the answerer is away: {why}"
    assert await gateway.pool.fetchval("select waits_for from whatsapp.lanes") == "away:answerer"
    assert f"the answerer is away: {why}" in capsys.readouterr().out
    await gateway.drain()
    assert gateway.handler.trouble() == ""


async def test_what_keeps_everybody_from_an_answer_is_told_by_the_readiness_check(
    run_service: RunService, settings: MakeSettings, answerer: AnsweringService, person: UUID
) -> None:
    answerer.plan["*"] += [(401, {}, JSON)] * 10_000
    chosen = settings(answer_url=answerer.url, answer_secret=SECRET)
    async with run_service(chosen) as client:
        body = meta.envelope(meta.text())
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))

        async def is_told() -> bool:
            said = (await client.get("/readyz")).json()
            return said["status"] == "degraded" and "ANSWER_SECRET" in said["errors"][0]["detail"]

        await eventually(is_told)


async def test_a_compressed_response_is_not_unpacked(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    """A few kilobytes of it could be gigabytes of text."""
    packed = gzip.compress(json.dumps({"text": "x" * 900_000}).encode())
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET)
    answerer.plan["hello"].append((200, packed, {"content-encoding": "gzip"}))
    await gateway.keep(meta.text(body="hello"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["re: hello"]


class Failing:
    """An answerer inside the process that fails in a way of its own."""

    thinks = True
    asked = 0

    async def answer(self, turn: Turn, context: Context) -> Answer | None:
        self.asked += 1
        if self.asked < 3:
            raise LookupError("no model is loaded")
        return Answer(f"{context.ollama_url} says hello")


async def test_an_answerer_inside_the_process_is_waited_for_too_and_knows_the_reserved_addresses(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(Failing(), ollama_url="http://127.0.0.1:11434")
    await gateway.keep(meta.text(body="hello"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["http://127.0.0.1:11434 says hello"]
