"""The worker as a whole: wakes at once, stops gracefully, shares a queue, comes back with the database."""

import asyncio

import asyncpg

from ava_whatsapp_gateway.worker import working

from .meta import eventually

PHONE = "4915112345678"


async def test_a_stop_finishes_the_send_under_way_and_gives_the_lane_back(gateways, house, linked, meta):
    await linked(f"+{PHONE}")
    gateway = await gateways()
    release = asyncio.Event()
    house.after["graph"].append(release.wait)
    await gateway.deliver(*(meta.text(body=str(n)) for n in range(5)))
    async with working(gateway.pool, gateway.means.settings, asyncio.Event()):
        await asyncio.wait_for(house.reached["after graph"].wait(), 60)
        asyncio.get_running_loop().call_later(0.1, release.set)
    states = [state for _, state in await gateway.states()]
    assert states == ["done", "ready", "ready", "ready", "ready"]
    assert await gateway.pool.fetchval("select token is null and due_at <= now() from whatsapp.lanes")
    await gateway.drain()
    assert house.phones[PHONE] == ["0", "1", "2", "3", "4"]


async def test_what_arrives_is_seen_at_once_and_not_at_the_next_poll(room, settings, house, linked, meta):
    await linked(f"+{PHONE}")
    async with room(settings(poll=600)) as client:
        for n in range(1, 4):  # the first may meet the look at the start; the poll after that is too far off
            body = meta.envelope(meta.text(body=f"now {n}"))
            await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
            await eventually(lambda n=n: len(house.log) == 2 * n)


async def test_two_processes_on_one_queue_answer_everybody_once(room, settings, house, linked, meta):
    people = [f"49151{n:08}" for n in range(15)]
    for phone in people:
        await linked(f"+{phone}")
    async with room(settings(lease=10)) as one, room(settings(lease=10)) as two:
        for n in range(4):
            body = meta.envelope(*(meta.text(sender=phone, body=str(n)) for phone in people))
            for client in (one, two):
                answer = await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
                assert answer.status_code == 200
        await eventually(lambda: len(house.log) == 2 * 4 * 15)
    assert dict(house.phones) == {phone: ["0", "1", "2", "3"] for phone in people}


async def _deliver_like_meta(client, body, meta):
    async def accepted():
        answer = await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        return answer.status_code == 200

    await eventually(accepted)


async def test_connections_cut_at_work_cost_nothing(room, settings, cluster, database, house, linked, meta):
    people = [f"49151{n:08}" for n in range(10)]
    for phone in people:
        await linked(f"+{phone}")
    admin = await asyncpg.connect(cluster.url())
    async with room(settings(lease=1)) as client:
        for n in range(6):
            body = meta.envelope(*(meta.text(sender=phone, body=str(n)) for phone in people))
            await _deliver_like_meta(client, body, meta)
            await admin.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.name
            )
        reported = []

        async def told_and_done():
            """Whose outcome was lost with a connection is settled by its status."""
            while len(house.sent) > len(reported):
                letter = house.sent[len(reported)]
                await _deliver_like_meta(client, meta.envelope(meta.status(letter, "delivered")), meta)
                reported.append(letter)
            return len(house.log) == 2 * 6 * 10

        await eventually(told_and_done)
    await admin.close()
    for phone in people:
        assert sorted(house.phones[phone]) == [str(n) for n in range(6)]


async def test_the_circuit_and_the_backlog_show_in_readyz_and_metrics(room, settings, house, linked, meta):
    await linked(f"+{PHONE}")
    house.before["graph!"].extend([(401, {"error": {"code": 190}})] * 500)
    body = meta.envelope(meta.text())
    async with room(settings(ready_backlog_age=0.3)) as client:
        assert (await client.get("/readyz")).status_code == 200
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))

        async def waits_for():
            return {error["pointer"] for error in (await client.get("/readyz")).json().get("errors", ())}

        async def both():
            return await waits_for() == {"backlog", "circuit"}

        await eventually(both)
        assert (await client.get("/readyz")).status_code == 503
        metrics = (await client.get("/metrics")).text
        assert "whatsapp_circuit_open 1.0" in metrics
        house.before["graph!"].clear()

        async def ready():
            return (await client.get("/readyz")).status_code == 200

        await eventually(ready)
    assert len(house.log) == 2
