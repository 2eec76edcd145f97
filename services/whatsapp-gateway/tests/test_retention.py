"""Retention: what is deleted after its time, and what is kept."""

from ava_whatsapp_gateway.queue import retention

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import FakePeers

PHONE = "4915112345678"


async def test_what_is_held_too_long_is_deleted_with_its_sender(
    gateways: StartGateway, peers: FakePeers
) -> None:
    gateway = await gateways(held_days=0.5)
    await gateway.keep(meta.text())
    await gateway.drain()
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert len(await gateway.states()) == 1
    await _age(gateway, "events", "received_at", "1 day")
    await _age(gateway, "contacts", "first_seen_at", "1 day")
    for _ in range(2):
        await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.states() == []
    assert await gateway.pool.fetchval("select count(*) from whatsapp.contacts") == 0


async def test_raw_deliveries_and_done_events_are_deleted_in_time_and_dead_events_never(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    peers.before["graph!"].append((400, {"error": {"code": 131026}}))
    await gateway.keep(meta.text(body="dead"), meta.text(body="done"))
    await gateway.keep(raw=b"broken")
    await gateway.drain()
    await _age(gateway, "deliveries", "received_at", "31 days")
    await _age(gateway, "events", "changed_at", "31 days")
    await retention.apply_retention(gateway.pool, gateway.settings)
    # The broken one is kept: no operator has looked at it.
    deliveries = await gateway.pool.fetch("select state from whatsapp.deliveries")
    assert [row["state"] for row in deliveries] == ["quarantined"]
    assert [state for _, state in await gateway.states()] == ["dead"]


async def _age(gateway: Gateway, table: str, column: str, by: str) -> None:
    await gateway.pool.execute(f"update whatsapp.{table} set {column} = {column} - interval '{by}'")  # noqa: S608
