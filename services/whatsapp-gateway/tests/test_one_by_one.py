"""An update that the database does not take is quarantined alone, and whatever it is."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from ava_common.database import open_pool
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.webhook.ingest import ingest

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers

PHONE = "4915112345678"
NO_EVENT = "alter table whatsapp.events add check (key <> 'wamid.bad')"
NO_WORDS = "alter table whatsapp.events add check (words <> 'bad')"
NO_STATUS = "alter table whatsapp.statuses add check (wamid <> 'wamid.bad')"
BAD: dict[str, Any] = {"wamid": "wamid.bad", "to": PHONE, "biz_opaque_callback_data": ""}


@pytest.mark.parametrize(
    ("refusal", "bad", "kind"),
    [
        (NO_STATUS, meta.status(BAD), "status"),
        (NO_WORDS, meta.text(body="bad"), "text"),
    ],
    ids=["status", "message"],
)
async def test_it_costs_its_siblings_nothing(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database, refusal: str, bad: Any, kind: str
) -> None:
    await database.admin(refusal)
    await gateway.keep(meta.text(body="one"), bad, meta.text(body="two"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "two"]
    found = await gateway.pool.fetch("select kind, reason from whatsapp.events where state = 'quarantined'")
    assert [tuple(row) for row in found] == [(kind, "CheckViolationError")]
    assert await gateway.pool.fetchval("select state from whatsapp.deliveries") == "split"


async def test_where_not_even_the_quarantine_can_be_stored_the_delivery_is_kept_and_the_siblings_go_on(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database
) -> None:
    await database.admin(NO_EVENT)
    await gateway.keep(meta.text(body="one"), meta.text(body="bad", id="wamid.bad"), meta.text(body="two"))
    await gateway.keep(meta.text(body="three"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "two", "three"]
    found = await gateway.pool.fetch("select state, error from whatsapp.deliveries order by id")
    assert [tuple(row) for row in found] == [("quarantined", "CheckViolationError"), ("split", None)]


@pytest.mark.parametrize("bad_beside_it", [False, True])
async def test_what_comes_again_with_a_deleted_message_is_stored_before_the_delivery_goes(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database, bad_beside_it: bool
) -> None:
    """The events of a delivery refer to it: it goes last, and not while it is the only copy of something."""
    deleted = meta.text(body="deleted", id="wamid.deleted")
    revoke = {"original_message_id": "wamid.deleted"}
    await gateway.keep(deleted, meta.text(type="revoke", revoke=revoke))
    await gateway.drain()
    await database.admin(NO_EVENT)
    bad = meta.text(body="bad", id="wamid.bad")
    await gateway.keep(deleted, meta.text(body="two"), *([bad] if bad_beside_it else []))
    await gateway.keep(meta.text(body="three"), *([] if bad_beside_it else [bad]))
    await gateway.drain()
    assert peers.phones[PHONE] == ["two", "three"]
    left = "select state from whatsapp.deliveries where body like '%deleted%' order by id"
    assert [row["state"] for row in await gateway.pool.fetch(left)] == ["quarantined"] * bad_beside_it


async def test_no_other_delivery_is_set_aside_when_another_process_was_faster(
    gateway: Gateway, peers: FakePeers, person: UUID, database: Database
) -> None:
    await database.admin(NO_EVENT)
    await gateway.keep(meta.text(body="bad", id="wamid.bad"))
    url = database.url("ava_whatsapp_gateway")
    async with open_pool(url, name="slow", size=1, may_become=("service_role",), wait_seconds=60) as pool:
        slow = asyncio.create_task(ingest(pool, meta.NUMBER_ID))
        await asyncio.sleep(0)
        # Its only connection is ours between its transactions: after all at once, and after one by one.
        async with pool.acquire():
            pass
        async with pool.acquire():
            await gateway.ingest()
            await gateway.keep(meta.text(body="good"))
        await slow
    await gateway.drain()
    assert peers.phones[PHONE] == ["good"]
