"""Messages for another phone number id: a warning with both ids, a count, and readiness that says so."""

import json
from typing import Any

import pytest
from prometheus_client import REGISTRY

from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.queue.foreign_number import foreign_number_only

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, MakeSettings, RunService
from .fake_peers import FakePeers

PHONE, THEIRS = "4915112345678", "123456123456789"


def foreign(*messages: dict[str, Any], number_id: str = THEIRS) -> bytes:
    """A delivery for another number of Meta's customer."""
    metadata = {"display_phone_number": "15550000000", "phone_number_id": number_id}
    return json.dumps(meta.payload(meta.value(messages=messages) | {"metadata": metadata})).encode()


async def test_one_warning_names_both_ids_and_all_are_counted(
    run_service: RunService, settings: MakeSettings, capfd: pytest.CaptureFixture[str]
) -> None:
    before = REGISTRY.get_sample_value("whatsapp_foreign_number_messages_total") or 0
    number_id = "987654321987654"  # one that no other test names: the warning comes once in a process
    async with run_service(settings()) as client:
        for _ in range(3):
            body = foreign(meta.text(), number_id=number_id)
            await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))

        async def counted() -> bool:
            now = REGISTRY.get_sample_value("whatsapp_foreign_number_messages_total") or 0
            return now - before == 3

        await eventually(counted)
    printed = [
        json.loads(line) for line in capfd.readouterr().out.splitlines() if "for_another_number" in line
    ]
    told = [(line["level"], line["delivered_for"], line["ours"]) for line in printed]
    assert told == [("warning", f"id-{number_id}", f"id-{meta.NUMBER_ID}")]


async def test_when_all_are_for_another_number_readiness_says_so_and_nothing_is_refused(
    run_service: RunService, settings: MakeSettings, linked: LinkNumber, peers: FakePeers
) -> None:
    await linked(f"+{PHONE}")
    async with run_service(settings()) as client:

        async def deliver(body: bytes) -> None:
            answer = await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
            assert answer.status_code == 200

        async def says(status: str) -> bool:
            answer = await client.get("/readyz")
            return (answer.status_code, answer.json()["status"]) == (200, status)

        assert await says("ready")
        await deliver(foreign(meta.text()))
        await eventually(lambda: says("degraded"))
        (error,) = (await client.get("/readyz")).json()["errors"]
        assert error["pointer"] == "phone_number_id"
        assert THEIRS in error["detail"]
        assert meta.NUMBER_ID in error["detail"]
        await deliver(meta.envelope(meta.text(body="hello")))
        await eventually(lambda: says("ready"))
        await deliver(foreign(meta.text()))
        await eventually(lambda: _answered(peers))
        assert await says("ready")


async def _answered(peers: FakePeers) -> bool:
    return peers.phones[PHONE] == ["hello"]


async def test_what_came_long_ago_is_no_reason(gateway: Gateway) -> None:
    await gateway.keep(raw=foreign(meta.text()))
    await gateway.ingest()
    assert await foreign_number_only(gateway.pool, meta.NUMBER_ID)
    await gateway.pool.execute("update whatsapp.events set received_at = received_at - interval '2 days'")
    assert await foreign_number_only(gateway.pool, meta.NUMBER_ID) is None
    (state,) = await gateway.states()
    assert state[1] == "ignored"
