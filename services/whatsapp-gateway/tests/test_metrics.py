"""What an operator watches: every count moves when the thing it counts happens."""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpx

from ava_local.testing.waiting import eventually

from . import meta_payloads as meta
from .conftest import LinkNumber, MakeSettings, RunService
from .fake_peers import FakePeers, Reset

PHONE = "4915112345678"
URL = "/webhooks/whatsapp"
COUNTED = {
    'whatsapp_deliveries_total{outcome="kept"}',
    'whatsapp_deliveries_total{outcome="duplicate"}',
    'whatsapp_deliveries_total{outcome="not_genuine"}',
    "whatsapp_duplicate_items_total",
    'whatsapp_statuses_total{code="131026",status="failed"}',
    'whatsapp_sends_total{code="",outcome="accepted"}',
    'whatsapp_sends_total{code="",outcome="unknown"}',
    'whatsapp_sends_total{code="131026",outcome="not_sent"}',
    'whatsapp_events_total{state="done"}',
    'whatsapp_events_total{state="awaiting"}',
    'whatsapp_events_total{state="dead"}',
    "whatsapp_echo_seconds_count",
}
SHOWN = {"whatsapp_backlog_age_seconds", "whatsapp_lanes_in_flight", "whatsapp_circuit_open"}


async def samples(client: httpx.AsyncClient) -> dict[str, float]:
    """Every sample of /metrics by its name and labels."""
    text = (await client.get("/metrics")).text
    return {name: float(value) for name, value in re.findall(r"^(whatsapp_\S+) (\S+)$", text, re.M)}


async def test_every_count_moves_with_what_it_counts(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    # In the order of the messages: accepted, accepted but the response is lost, refused.
    peers.after["graph"].extend([_no_fault, Reset()])
    unknown_send = {"wamid": "wamid.unknown", "to": PHONE, "biz_opaque_callback_data": None}
    failed = meta.status(unknown_send, "failed", errors=[{"code": 131026, "title": "Undeliverable"}])
    first = meta.text(body="counted", never_seen_before=1)
    async with run_service(settings()) as client:
        before = await samples(client)

        async def moved() -> dict[str, float]:
            return {name: value - before.get(name, 0) for name, value in (await samples(client)).items()}

        async def unmoved(names: Iterable[str]) -> set[str]:
            now = await moved()
            return {name for name in names if now.get(name, 0) < 1}

        async def until(*names: str) -> None:
            with suppress(TimeoutError):
                await eventually(lambda: all_moved(names))
            assert await unmoved(names) == set()

        async def all_moved(names: Iterable[str]) -> bool:
            return not await unmoved(names)

        async def deliver(*items: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            body = meta.envelope(*items)
            await client.post(URL, content=body, headers=headers or meta.signed(body))

        await deliver(first)
        await deliver(first)
        await deliver(first, failed)
        await deliver(first, headers={"X-Hub-Signature-256": "sha256=" + "0" * 64})
        await until('whatsapp_events_total{state="done"}')
        await deliver(meta.text(body="its answer is lost"))
        await until('whatsapp_events_total{state="awaiting"}')
        peers.before["graph!"].append((400, {"error": {"code": 131026}}))
        await deliver(meta.text(body="refused"))
        await until(*COUNTED)
        found = await moved()
    assert any(name.startswith("whatsapp_drift_total{") and by > 0 for name, by in found.items())
    assert found.keys() >= SHOWN


async def _no_fault() -> None:
    """This call succeeds."""
