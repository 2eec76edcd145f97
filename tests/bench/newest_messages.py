"""Benchmark: a user's newest 20 messages, row-level security on, token verified."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from uuid import UUID

from ava_local.testing.databases import Database
from bench.benchmark_setup import BenchmarkSetup, filled
from bench.comparison import Turn, Variant
from bench.servers import Server, serving
from bench.theoretical_limit import asyncpg_alone, pgbench

PEOPLE = 50
SMALL = 3_000
ASKED = 20


@asynccontextmanager
async def variants(setup: BenchmarkSetup, messages: int) -> AsyncIterator[list[Variant]]:
    """The limit first; Ava's service twice, with a large log and with one of 3,000 messages."""
    large, small = await setup.database("large"), await setup.database("small")
    people, fewer = await filled(large, PEOPLE, messages), await filled(small, PEOPLE, SMALL)
    with ExitStack() as servers:

        def variant(name: str, app: str, variables: dict[str, str], users: Sequence[UUID]) -> Variant:
            server = servers.enter_context(serving(app, setup.folder, variables))
            return Variant(name, _turns(server, setup, requests(setup, users)))

        service = "ava_messaging.app:build"
        yield [
            Variant("pgbench, the same transaction (limit)", pgbench(setup, large, people)),
            Variant("asyncpg alone, without HTTP", asyncpg_alone(setup, large, people)),
            variant(f"ours, {messages:,} messages", service, _service_variables(setup, large), people),
            variant(f"ours, {SMALL:,} messages", service, _service_variables(setup, small), fewer),
            variant("FastAPI + dicts + reset + claims one by one", "bench.rivals.messages:app",
                    _usual(setup, large), people),
        ]  # fmt: skip


def requests(setup: BenchmarkSetup, people: Sequence[UUID]) -> Callable[[], bytes]:
    """All users in turn ask for their own messages."""
    head = f"GET /messages?limit={ASKED} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
    asked = [f"{head}Authorization: Bearer {setup.issuer.token(one)}\r\n\r\n".encode() for one in people]
    return itertools.cycle(asked).__next__


def _turns(server: Server, setup: BenchmarkSetup, make: Callable[[], bytes]) -> Callable[[float], Turn]:
    return lambda seconds: server.take_turn(make, seconds, setup.cluster)


def _service_variables(setup: BenchmarkSetup, database: Database) -> dict[str, str]:
    url = setup.issuer.url
    return {"MESSAGING_DATABASE_URL": database.url("ava_messaging"), "SUPABASE_URL": url, "AUTH_URL": url}


def _usual(setup: BenchmarkSetup, database: Database) -> dict[str, str]:
    keys = f"{setup.issuer.url}/auth/v1/.well-known/jwks.json"
    return {"BENCH_DATABASE_URL": database.url("ava_messaging"), "BENCH_JWKS_URL": keys}
