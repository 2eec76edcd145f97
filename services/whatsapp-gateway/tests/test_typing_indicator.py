"""The read receipt with the typing indicator: shown while there is thought, and in nobody's way.

Decision 0146.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.cloud_api.typing_indicator import TypingIndicator

from . import meta_payloads as meta
from .answering_service import SECRET, AnsweringService
from .conftest import StartGateway
from .fake_peers import FakePeers, Hang, Reset
from .meta_payloads import NUMBER_ID

PHONE = "4915112345678"
WAMID = "wamid.1"
SHOWN = {
    "messaging_product": "whatsapp",
    "status": "read",
    "message_id": WAMID,
    "typing_indicator": {"type": "text"},
}


@pytest.fixture
async def indicator(peers: FakePeers) -> AsyncIterator[TypingIndicator]:
    bearer = {"Authorization": "Bearer x"}
    async with httpx.AsyncClient(base_url=peers.url, headers=bearer, timeout=5.0) as client:
        yield TypingIndicator(client, f"/v25.0/{NUMBER_ID}/messages", renew_seconds=0.1)


async def test_it_is_shown_while_there_is_thought(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET)

    async def until_shown() -> None:
        await eventually(lambda: bool(peers.reads))

    answerer.plan["hello"].append(until_shown)
    await gateway.keep(meta.text(body="hello", id=WAMID))
    await gateway.drain()
    assert peers.reads == [SHOWN]
    assert peers.phones[PHONE] == ["re: hello"]


async def test_it_is_renewed_until_the_answer_is_there_and_then_no_more(
    indicator: TypingIndicator, peers: FakePeers
) -> None:
    async with indicator.shown(WAMID):
        await eventually(lambda: len(peers.reads) >= 3)
    await asyncio.sleep(0.1)  # what was on its way arrives
    shown = len(peers.reads)
    await asyncio.sleep(0.3)
    assert peers.reads == [SHOWN] * shown


@pytest.mark.parametrize("fault", [Reset(), (400, {"error": {"code": 131009}}), (503, b"")])
async def test_a_failure_is_not_told_of_and_not_repeated_before_its_time(
    indicator: TypingIndicator, peers: FakePeers, fault: object
) -> None:
    (peers.before["graph"] if isinstance(fault, Exception) else peers.before["graph!"]).append(fault)
    async with indicator.shown(WAMID):
        await eventually(lambda: len(peers.reads) == 1)
    first, second = peers.call_times["graph"][:2]
    assert second - first >= 0.1


async def test_a_graph_that_hangs_delays_no_answer(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(answer_url=answerer.url, answer_secret=SECRET)
    peers.before["graph"].append(Hang())
    answerer.plan["hello"].append(peers.reached["before graph"].wait)
    await gateway.keep(meta.text(body="hello"))
    began = time.monotonic()
    await gateway.drain()
    assert time.monotonic() - began < gateway.settings.graph_timeout_seconds
    assert peers.phones[PHONE] == ["re: hello"]


async def test_it_is_off_by_setting(
    gateways: StartGateway, answerer: AnsweringService, peers: FakePeers, person: UUID
) -> None:
    own = {"answer_url": answerer.url, "answer_secret": SECRET}
    gateway = await gateways(**own, typing_indicator="off")
    await gateway.keep(meta.text(body="hello"))
    await gateway.drain()
    assert peers.calls.count("graph") == 1


async def test_a_message_without_an_id_of_metas_is_not_marked(
    indicator: TypingIndicator, peers: FakePeers
) -> None:
    async with indicator.shown("0" * 64):
        await asyncio.sleep(0.2)
    assert peers.reads == []
