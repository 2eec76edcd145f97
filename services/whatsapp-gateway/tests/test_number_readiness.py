"""A token or a number that Meta refuses is told before the first message needs it."""

from typing import Any

import httpx
import pytest

from ava_local.testing.waiting import eventually

from .conftest import MakeSettings, RunService
from .fake_peers import FakePeers, Reset


async def readiness(client: httpx.AsyncClient) -> Any:
    return (await client.get("/readyz")).json()


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, 190, "Meta refuses WHATSAPP_GATEWAY_ACCESS_TOKEN"),
        (400, 100, "Meta does not know WHATSAPP_GATEWAY_PHONE_NUMBER_ID"),
        (403, 10, "WHATSAPP_GATEWAY_ACCESS_TOKEN lacks a permission"),
        (403, 200, "WHATSAPP_GATEWAY_ACCESS_TOKEN lacks a permission"),
    ],
)
async def test_a_refusal_is_told_until_meta_accepts_again(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, status: int, code: int, words: str
) -> None:
    refused = (status, {"error": {"code": code, "message": "of Meta's own"}})
    peers.before["number!"].extend([refused] * 500)
    async with run_service(settings()) as client:

        async def is_told() -> bool:
            return bool((await readiness(client))["status"] == "degraded")

        await eventually(is_told)
        (error,) = (await readiness(client))["errors"]
        assert (error["pointer"], words in error["detail"]) == ("meta", True), error
        assert "of Meta's own" not in error["detail"]
        peers.before["number!"].clear()

        async def is_well() -> bool:
            return bool(await readiness(client) == {"status": "ready"})

        await eventually(is_well)


@pytest.mark.parametrize("answer", [(503, b"<html>"), (500, {"error": {"code": 1}}), (200, b"[]"), Reset()])
async def test_a_graph_that_is_away_says_nothing_about_the_token(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, answer: Any
) -> None:
    peers.before["number" if isinstance(answer, Reset) else "number!"].append(answer)
    async with run_service(settings()) as client:
        await eventually(lambda: "number" in peers.calls)
        assert await readiness(client) == {"status": "ready"}


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"[]"),
        (200, b"{}"),
        (403, {"error": {"code": 403, "message": "of a load balancer"}}),
        (500, {"error": {"code": 1, "message": "of Meta's own"}}),
        (200, b'"' + b"x" * 300_000 + b'"'),
    ],
)
async def test_a_refusal_stands_until_meta_itself_says_otherwise(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, answer: Any
) -> None:
    peers.before["number!"].append((401, {"error": {"code": 190, "message": "of Meta's own"}}))
    peers.before["number!"].extend([answer] * 500)
    async with run_service(settings(probe_seconds=0.01)) as client:
        await eventually(lambda: peers.calls.count("number") >= 5)
        assert (await readiness(client))["status"] == "degraded"


async def test_while_meta_accepts_it_is_asked_once(
    run_service: RunService, settings: MakeSettings, peers: FakePeers
) -> None:
    async with run_service(settings(probe_seconds=0.01)) as client:
        await eventually(lambda: "number" in peers.calls)
        for _ in range(20):
            assert await readiness(client) == {"status": "ready"}
        assert peers.calls.count("number") == 1
