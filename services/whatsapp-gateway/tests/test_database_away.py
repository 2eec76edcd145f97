"""A database that is away costs no delivery its place, no event an attempt, and nobody a lease's time."""

import asyncio
import time
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from ava_common.database import AWAY
from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front
from ava_local.testing.waiting import eventually

from . import meta_payloads as meta
from .conftest import Gateway, MakeSettings, RunService, StartGateway
from .fake_peers import FakePeers
from .waiting import works

PHONE = "4915112345678"
BUSY = ("40P01", "55P03")
NOT_THE_DATA = ("XX000", "53400", "25006", "26000", "28P01", *BUSY, "42P01", "42501", "0A000")


@pytest_asyncio.fixture(loop_scope="session")
async def behind_front(gateways: StartGateway, database: Database, front: Front) -> Gateway:
    url = front.url(database.url("ava_whatsapp_gateway"))
    return await gateways(database_url=url, attempts=2)


async def test_no_delivery_is_set_aside_for_an_error_that_is_not_about_it(
    behind_front: Gateway, front: Front, peers: FakePeers, person: UUID, database: Database
) -> None:
    await behind_front.keep(meta.text(body="one"))
    for state in NOT_THE_DATA:
        front.fail = state
        if state in BUSY:
            assert await behind_front.ingest_once(), "the next round takes it again"
        else:
            with pytest.raises((*AWAY, asyncpg.PostgresError)):
                await behind_front.ingest_once()
        front.fail, front.refuse = None, state
        front.cut()
        for _ in range(2):
            with pytest.raises(Exception, match=r"."):
                await behind_front.ingest_once()
        front.refuse = None
        await eventually(lambda: works(behind_front.pool))  # a refused password waits for a second
    assert await database.admin("select from whatsapp.deliveries where state = 'quarantined'") == []
    await behind_front.drain()
    assert peers.phones[PHONE] == ["one"]


async def test_no_event_pays_with_an_attempt_for_an_error_that_is_not_about_it(
    behind_front: Gateway, front: Front, peers: FakePeers, person: UUID, database: Database
) -> None:
    await behind_front.keep(meta.text(body="one"))
    await behind_front.ingest()
    for state in NOT_THE_DATA:
        await database.admin("update whatsapp.lanes set due_at = now(), token = null")
        (lane,) = await behind_front.claim()

        async def fails(state: str = state) -> None:
            front.fail = state

        peers.before["messages"].append(fails)
        working = asyncio.create_task(behind_front.run(lane))
        await eventually(lambda: front.fail is not None)
        await asyncio.sleep(0.1)
        front.fail = None
        await working
    rows = await database.admin("select attempts, state from whatsapp.events")
    assert [tuple(row) for row in rows] == [(0, "ready")]
    await database.admin("update whatsapp.lanes set due_at = now(), token = null")
    await behind_front.drain()
    assert peers.phones[PHONE] == ["one"]


async def test_a_full_pooler_loses_nothing_and_its_end_is_noticed_at_once(
    run_service: RunService,
    settings: MakeSettings,
    front: Front,
    database: Database,
    peers: FakePeers,
    person: UUID,
) -> None:
    url = front.url(database.url("ava_whatsapp_gateway"))
    async with run_service(settings(database_url=url, lease_seconds=300)) as client:
        for n in range(5):
            body = meta.envelope(meta.text(body=f"{n}"))
            front.refuse, front.places = ("XX000", 2) if n % 2 else (None, 0)
            front.cut()

            async def is_kept(body: bytes = body) -> bool:
                answer = await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
                return answer.status_code == 200

            await eventually(is_kept)
        front.refuse = None
        began = time.monotonic()
        await eventually(lambda: len(peers.log) == 10)
        assert time.monotonic() - began < 300  # no lane waited for its lease
    assert peers.phones[PHONE] == ["0", "1", "2", "3", "4"]
    states = await database.admin("select distinct state from whatsapp.deliveries")
    assert [row[0] for row in states] == ["split"]
    assert await database.admin("select from whatsapp.arrivals") == []
