"""Peers that are away, refuse for good, or reject our token."""

from uuid import UUID

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import FakePeers

PHONE = "4915112345678"


async def test_while_messaging_is_away_the_lane_waits_and_the_order_stays(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID
) -> None:
    other = "4915100000001"
    await linked(f"+{other}")
    peers.before["messages!"].extend([(503, {})] * 4)
    await gateway.keep(meta.text(body="one"), meta.text(body="two"), meta.text(sender=other, body="x"))
    await gateway.drain()
    assert peers.phones == {PHONE: ["one", "two"], other: ["x"]}


async def test_a_rejected_token_is_renewed(gateway: Gateway, peers: FakePeers, person: UUID) -> None:
    peers.before["avatar!"].append((401, {"type": "urn:ava:problem:not-signed-in"}))
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["one"]
    assert peers.calls.count("tokens") == 2


async def test_a_final_refusal_makes_a_dead_event_with_its_reason(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    peers.before["messages!"].append((422, {"type": "urn:ava:problem:invalid-request"}))
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    reason = await gateway.pool.fetchval("select reason from whatsapp.events where state = 'dead'")
    assert reason == "messaging refused: 422 urn:ava:problem:invalid-request"
    assert peers.phones[PHONE] == ["two"]


async def test_a_service_that_rejects_our_tokens_for_long_costs_no_message(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(attempts=2)
    peers.before["messages!"].extend([(401, {"type": "urn:ava:problem:not-signed-in"})] * 6)
    await gateway.keep(meta.text(body="patient"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["patient"]


async def test_a_message_of_a_banned_or_deleted_account_is_dead_and_not_retried(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    peers.refused.add(await linked(f"+{PHONE}"))
    await gateway.keep(meta.text())
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["dead"]
    assert peers.calls == ["tokens"]
