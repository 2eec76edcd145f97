"""WHATSAPP_GATEWAY_LINK_CONFIRMATION=code: a number counts as linked once its code has come from it."""

import hashlib
from uuid import UUID

import pytest

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import StartGateway
from .fake_peers import FakePeers

PHONE = "4915112345678"


@pytest.fixture
async def asking(database: Database) -> UUID:
    """A person who asked to link PHONE and was shown the code 12345678."""
    person = await database.person()
    digest = hashlib.sha256(f"{person}:12345678".encode()).hexdigest()
    await database.admin(
        "insert into public.user_preferences (user_id, whatsapp_pending_phone, whatsapp_code_hash,"
        " whatsapp_code_expires_at) values ($1, $2, $3, now() + interval '10 minutes')",
        person,
        f"+{PHONE}",
        digest,
    )
    return person


async def test_the_code_links_the_number_once_and_is_not_a_turn(
    gateways: StartGateway, peers: FakePeers, asking: UUID
) -> None:
    gateway = await gateways(link_confirmation="code")
    await gateway.keep(meta.text(body="before"))
    await gateway.drain()
    await gateway.keep(meta.text(body="Ava code 12345678"))
    await gateway.drain()
    assert peers.turns(asking) == [("user", "before"), ("assistant", "before")]
    assert any("now linked" in text for text in peers.phones[PHONE])
    await gateway.keep(meta.text(body="12345678"))
    await gateway.drain()
    assert peers.turns(asking)[2] == ("user", "12345678")


async def test_a_wrong_code_links_nothing_and_attempts_are_limited(
    gateways: StartGateway, peers: FakePeers, asking: UUID
) -> None:
    gateway = await gateways(link_confirmation="code")
    for _ in range(5):
        await gateway.keep(meta.text(body="Ava code 00000000"))
    await gateway.drain()
    await gateway.keep(meta.text(body="Ava code 12345678"))
    await gateway.drain()
    assert peers.log == []


async def test_a_code_that_already_counted_is_not_a_turn_when_retried(
    gateways: StartGateway, peers: FakePeers, asking: UUID
) -> None:
    gateway = await gateways(link_confirmation="code")
    peers.before["graph!"].append((500, {"error": {"code": 2}}))
    await gateway.keep(meta.text(body="Ava code 12345678"))
    await gateway.drain()
    assert peers.log == []
    assert len(peers.phones[PHONE]) == 1


async def test_a_wrong_code_counts_once_however_often_its_message_is_tried(
    gateways: StartGateway, peers: FakePeers, asking: UUID, database: Database
) -> None:
    gateway = await gateways(link_confirmation="code", attempts=50)
    peers.before["graph!"].extend([(500, {"error": {"code": 2}})] * 6)
    await gateway.keep(meta.text(body="Ava code 00000000"))
    await gateway.drain()
    [row] = await database.admin("select whatsapp_code_attempts from public.user_preferences")
    assert row["whatsapp_code_attempts"] == 1
    await gateway.keep(meta.text(body="Ava code 12345678"))
    await gateway.drain()
    assert any("now linked" in text for text in peers.phones[PHONE])
    [row] = await database.admin("select whatsapp_phone from public.user_preferences")
    assert row["whatsapp_phone"] == f"+{PHONE}"


async def test_a_wrong_code_of_a_hidden_number_counts_once_however_often_it_is_tried(
    gateways: StartGateway, peers: FakePeers, asking: UUID
) -> None:
    gateway = await gateways(link_confirmation="code", attempts=50)
    peers.before["graph!"].extend([(500, {"error": {"code": 2}})] * 6)
    message = meta.text(body="Ava code 00000000", from_user_id="DE.1")
    del message["from"]
    await gateway.keep(message)
    await gateway.drain()
    assert await gateway.pool.fetchval("select code_attempts from whatsapp.contacts") == 1
