"""Benchmark: three times as many webhooks as can be accepted, and a database that is far away."""

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from ava_local.testing.databases import Database
from bench import append, newest_messages, webhook
from bench.benchmark_setup import BenchmarkSetup, filled
from bench.comparison import percentile
from bench.delaying_proxy import delayed
from bench.load_generator import generate_load
from bench.open_loop import Offered, OpenLoop
from bench.results import Found, Table, at_most, shown
from bench.servers import Server, serving
from bench.size import Size

TIMES = 3
AWAY_SECONDS = 0.010
GROWN_MB = 64
ROUND_TRIPS = 2
_LEFT = "select coalesce(sum(cardinality(delivery_ids)), 0)::int from whatsapp.arrivals"
_EVENTS = "select count(*) from whatsapp.events where state <> 'quarantined'"


async def measure(setup: BenchmarkSetup, size: Size) -> Found:
    """First too much is offered, then the database is moved away."""
    found, far = await _overloaded(setup, size), await _far_away(setup, size)
    return Found([*found.results, *far.results], [*found.tables, *far.tables])


async def _overloaded(setup: BenchmarkSetup, size: Size) -> Found:
    database = await setup.database("overloaded")
    with serving(webhook.GATEWAY, setup.folder, webhook.gateway_variables(database)) as server:
        server.resume()
        capacity = await asyncio.to_thread(generate_load, server.port, webhook.signed_delivery, size.seconds)
        normal = percentile(capacity.latencies, 0.5)
        before, per_second = server.process.memory_info().rss, capacity.count / capacity.seconds
        loop = OpenLoop(server.port, webhook.signed_delivery)
        offered = await asyncio.to_thread(loop.offer, TIMES * per_second, size.overload_seconds)
        grown = (server.process.memory_info().rss - before) / 2**20
        recovered = await asyncio.to_thread(_recovery, server, normal)
        await _worked_off(database)
        accepted = capacity.count + offered.accepted + recovered[1]
        lost = accepted - await _number(database, _EVENTS)
    return Found(
        [
            at_most("overload, accepted webhooks that were not processed", 0, [max(0, lost)]),
            at_most("overload, refusals without Retry-After, and errors", 0, [_wrong(offered)]),
            at_most("overload, memory grown by, MB", GROWN_MB, [grown]),
            at_most("overload, seconds until as fast as before", 1, [recovered[0]]),
        ],
        [
            Table(
                f"{TIMES} times as many webhooks offered as can be accepted",
                [_row(offered, per_second, size)],
            )
        ],
    )


async def _worked_off(database: Database) -> None:
    left = 1
    while left:
        await asyncio.sleep(0.1)
        left = await _number(database, _LEFT)


def _wrong(offered: Offered) -> int:
    return offered.refused_without_retry_after + offered.other


def _row(offered: Offered, per_second: float, size: Size) -> dict[str, float | str]:
    return {
        "name": "offered", "capacity_per_second": round(per_second), "accepted": offered.accepted,
        "accepted_per_second": round(offered.accepted / size.overload_seconds), "refused": offered.refused,
        "p50_ms": round(percentile(offered.latencies, 0.5) * 1000, 1),
        "p99_ms": round(percentile(offered.latencies, 0.99) * 1000, 1),
    }  # fmt: skip


def _recovery(server: Server, normal: float) -> tuple[float, int]:
    """Seconds until the usual load takes at most twice as long as before; how many it accepted meanwhile."""
    began, count = time.monotonic(), 0
    while True:
        load = generate_load(server.port, webhook.signed_delivery, 0.1)
        count += load.count
        seconds = time.monotonic() - began
        if percentile(load.latencies, 0.5) <= 2 * normal or seconds > 30:
            return max(0.0, seconds - load.seconds), count


async def _number(database: Database, question: str) -> int:
    [row] = await database.admin(question)
    return int(row[0])


async def _far_away(setup: BenchmarkSetup, size: Size) -> Found:
    """How many round trips each request costs, from how much longer it takes when they take 10 ms."""
    log, queue = await setup.database("far_log"), await setup.database("far_queue")
    people = await filled(log, 5, newest_messages.SMALL)
    results, rows = [], []
    async with AsyncExitStack() as entered:
        port = await entered.enter_async_context(delayed(setup.cluster.port, AWAY_SECONDS / 2))
        await entered.enter_async_context(webhook.ingest_elsewhere(queue))

        def pair(app: str, variables: Callable[[str], dict[str, str]], url: str) -> list[Server]:
            far = url.replace(f":{setup.cluster.port}/", f":{port}/")
            return [entered.enter_context(serving(app, setup.folder, variables(one))) for one in (url, far)]

        messaging = pair(
            newest_messages.SERVICE,
            lambda url: newest_messages.service_variables(setup, log, url),
            log.url("ava_messaging"),
        )
        gateway = pair(
            webhook.GATEWAY,
            lambda url: webhook.gateway_variables(queue, url),
            queue.url("ava_whatsapp_gateway"),
        )
        for name, servers, make in (
            ("webhook", gateway, webhook.signed_delivery),
            ("newest 20", messaging, newest_messages.requests(setup, people)),
            ("append", messaging, append.requests(setup, people)),
        ):
            near, far = [await asyncio.to_thread(_alone, server, make, size) for server in servers]
            trips = (far - near) / AWAY_SECONDS
            results.append(at_most(f"{name}, round trips to a database 10 ms away", ROUND_TRIPS, [trips]))
            rows.append({"name": name, "near_ms": round(near * 1000, 2), "far_ms": round(far * 1000, 2)})
    return Found(
        [*results, shown("round trips of the query itself", [1])], [Table("One request alone", rows)]
    )


def _alone(server: Server, make: Callable[[], bytes], size: Size) -> float:
    """The median of one connection, warm."""
    server.resume()
    seconds = max(size.seconds, size.far_requests * 3 * AWAY_SECONDS)
    generate_load(server.port, make, seconds / 4, 1)
    found = generate_load(server.port, make, seconds, 1)
    server.freeze()
    return statistics.median(found.latencies)
