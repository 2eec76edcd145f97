"""The worker as a whole: wakes at once, stops gracefully, shares a queue, survives a lost database."""

import asyncio
from functools import partial

import asyncpg
import httpx

from ava_local.postgres.cluster import Cluster
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.contacts.pin_sweep import PinSweep
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.lane_runner import Handle
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.queue.worker import Worker, running

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, MakeSettings, RunService, StartGateway
from .fake_peers import FakePeers

PHONE = "4915112345678"


def worker_of(
    gateway: Gateway, handle: Handle, arrived: asyncio.Event | None = None, deliveries_at_once: int = 1
) -> Worker:
    """A worker on this gateway's queue that does what `handle` says."""
    return Worker(
        gateway.pool,
        gateway.writes,
        gateway.settings,
        arrived or asyncio.Event(),
        ingest=gateway.ingest_once,
        deliveries_at_once=deliveries_at_once,
        handle=handle,
        sweep=PinSweep(gateway.pool).check_next,
        keeper=gateway.keeper,
    )


async def test_a_stop_finishes_the_send_in_progress_and_releases_the_lane(
    gateways: StartGateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    gateway = await gateways()
    release = asyncio.Event()
    peers.after["graph"].append(release.wait)
    await gateway.keep(*(meta.text(body=str(n)) for n in range(5)))
    worker = worker_of(gateway, gateway.handler.handle)
    async with running(worker):
        await asyncio.wait_for(peers.reached["after graph"].wait(), 60)
        asyncio.get_running_loop().call_later(0.1, release.set)
    states = [state for _, state in await gateway.states()]
    assert states == ["done", "ready", "ready", "ready", "ready"]
    assert await gateway.pool.fetchval("select token is null and due_at <= now() from whatsapp.lanes")
    await gateway.drain()
    assert peers.phones[PHONE] == ["0", "1", "2", "3", "4"]


async def test_a_delivery_is_handled_at_once_and_not_at_the_next_poll(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, linked: LinkNumber
) -> None:
    def has_logged(count: int) -> bool:
        return len(peers.log) == count

    await linked(f"+{PHONE}")
    async with run_service(settings(poll_seconds=600)) as client:
        for count in range(1, 4):  # the first may be found by the poll at the start; the next poll is far off
            body = meta.envelope(meta.text(body=f"now {count}"))
            await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
            await eventually(partial(has_logged, 2 * count))


async def test_two_processes_on_one_queue_answer_every_message_once(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, linked: LinkNumber
) -> None:
    people = [f"49151{n:08}" for n in range(15)]
    for phone in people:
        await linked(f"+{phone}")
    async with run_service(settings(lease_seconds=10)) as one, run_service(settings(lease_seconds=10)) as two:
        for n in range(4):
            body = meta.envelope(*(meta.text(sender=phone, body=str(n)) for phone in people))
            for client in (one, two):
                answer = await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
                assert answer.status_code == 200
        await eventually(lambda: len(peers.log) == 2 * 4 * 15)
    assert dict(peers.phones) == {phone: ["0", "1", "2", "3"] for phone in people}


async def _deliver_with_retries(client: httpx.AsyncClient, body: bytes) -> None:
    async def is_accepted() -> bool:
        answer = await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        return answer.status_code == 200

    await eventually(is_accepted)


async def test_lost_database_connections_cost_no_message(
    run_service: RunService,
    settings: MakeSettings,
    cluster: Cluster,
    database: Database,
    peers: FakePeers,
    linked: LinkNumber,
) -> None:
    people = [f"49151{n:08}" for n in range(10)]
    for phone in people:
        await linked(f"+{phone}")
    admin = await asyncpg.connect(cluster.url())
    async with run_service(settings(lease_seconds=1)) as client:
        for n in range(6):
            body = meta.envelope(*(meta.text(sender=phone, body=str(n)) for phone in people))
            await _deliver_with_retries(client, body)
            await admin.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.name
            )
        reported = 0

        async def everything_logged() -> bool:
            """Report every send as delivered: that settles those whose outcome was lost with a connection."""
            nonlocal reported
            while len(peers.sent) > reported:
                send = peers.sent[reported]
                await _deliver_with_retries(client, meta.envelope(meta.status(send, "delivered")))
                reported += 1
            return len(peers.log) == 2 * 6 * 10

        await eventually(everything_logged)
    await admin.close()
    for phone in people:
        assert sorted(peers.phones[phone]) == [str(n) for n in range(6)]


async def is_ready(client: httpx.AsyncClient) -> bool:
    return bool((await client.get("/readyz")).json() == {"status": "ready"})


async def both_reported(client: httpx.AsyncClient) -> bool:
    """A gateway that cannot send still stores: degraded, and the variable is named."""
    answer = await client.get("/readyz")
    found = {error["pointer"]: error["detail"] for error in answer.json().get("errors", [])}
    if found.keys() != {"backlog", "circuit"}:
        return False
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "refuses WHATSAPP_GATEWAY_ACCESS_TOKEN" in found["circuit"]
    return True


async def test_the_circuit_and_the_backlog_show_in_readyz_and_metrics(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    peers.before["graph!"].extend([(401, {"error": {"code": 190}})] * 500)
    body = meta.envelope(meta.text())
    async with run_service(settings(ready_backlog_age_seconds=0.3)) as client:
        assert await is_ready(client)
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        await eventually(lambda: both_reported(client))
        assert not await is_ready(client)
        metrics = (await client.get("/metrics")).text
        assert "whatsapp_circuit_open 1.0" in metrics
        peers.before["graph!"].clear()
        await eventually(lambda: is_ready(client))
    assert len(peers.log) == 2


async def test_a_delivery_that_arrives_while_another_process_ingests_is_handled_at_once(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    """The other one took its deliveries before this one came, and does not look again."""
    await linked(f"+{PHONE}")
    body = meta.envelope(meta.text(body="now"))
    other = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    async with run_service(settings(poll_seconds=600)) as client:
        await asyncio.sleep(0.2)  # the poll at the start
        async with other.transaction():
            await other.execute("select pg_advisory_xact_lock(hashtextextended('whatsapp.split', 0))")
            await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
            await asyncio.sleep(0.02)
        await eventually(lambda: len(peers.log) == 2)
    await other.close()


async def test_a_lane_that_waits_for_a_free_place_gets_the_next_one(gateways: StartGateway) -> None:
    """Also the place of a lane from an earlier look, which had found all there was then."""
    gateway = await gateways(poll_seconds=600, concurrency=2)
    begun: dict[str, asyncio.Event] = {name: asyncio.Event() for name in ("1", "2", "3")}
    may_end: dict[str, asyncio.Event] = {name: asyncio.Event() for name in begun}

    async def handle(event: Event) -> None:
        begun[event.words].set()
        await may_end[event.words].wait()
        await lanes.finish(gateway.writes, event, EventState.DONE, None, 20.0)

    arrived = asyncio.Event()
    worker = worker_of(gateway, handle, arrived, deliveries_at_once=32)
    await gateway.keep(meta.text("4915100000001", body="1"))
    async with running(worker):
        await asyncio.wait_for(begun["1"].wait(), 20)
        await gateway.keep(*(meta.text(f"491510000000{n}", body=str(n)) for n in (2, 3)))
        arrived.set()
        first, last = ("2", "3")
        await asyncio.wait(
            [asyncio.create_task(begun[name].wait()) for name in ("2", "3")],
            timeout=20,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not begun[first].is_set():
            first, last = last, first
        may_end["1"].set()
        await asyncio.wait_for(begun[last].wait(), 20)
        for each in may_end.values():
            each.set()


async def test_lanes_that_another_one_has_woken_are_claimed_at_once(
    gateways: StartGateway, database: Database
) -> None:
    """What both had waited for is back: the first one finds out."""
    gateway = await gateways(poll_seconds=600)
    begun: list[str] = []

    async def handle(event: Event) -> None:
        begun.append(event.words)
        await lanes.finish(gateway.writes, event, EventState.DONE, None, 20.0)

    await gateway.keep(*(meta.text(f"491510000000{n}", body=str(n)) for n in (1, 2)))
    await gateway.ingest()
    await database.admin("update whatsapp.events set reason = 'profile'")
    await database.admin(
        "update whatsapp.lanes set tries = 1, waits_for = 'away:profile', due_at = case when contact_id ="
        " (select min(contact_id) from whatsapp.lanes) then now() else now() + interval '1 hour' end"
    )
    worker = worker_of(gateway, handle)
    async with running(worker):
        await eventually(lambda: sorted(begun) == ["1", "2"])
