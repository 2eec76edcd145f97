"""Benchmark: a user's newest 20 messages, row-level security on, token verified."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

from ava_local.testing.databases import Database
from bench import supabase_py
from bench.benchmark_setup import BenchmarkSetup, filled
from bench.comparison import Turn, Variant, compare
from bench.results import Found, Table, at_least, shown
from bench.servers import Server, serving
from bench.size import Size
from bench.theoretical_limit import PLANNED, asyncpg_alone, pgbench, read_scripts

PEOPLE = 50
SMALL = 3_000
ASKED = 20
SERVICE = "ava_messaging.app:build"
LIMIT, KEPT, ALONE, OURS, DICTS, SUPABASE = (
    "pgbench, the same transaction (limit)",
    "pgbench, planned once for all users",
    "asyncpg alone, without HTTP",
    "ours, large log",
    "FastAPI + dicts + reset + claims one by one",
    "FastAPI + supabase-py",
)


async def measure(setup: BenchmarkSetup, size: Size) -> Found:
    """Ours on a large log and on a small one."""
    async with variants(setup, size.messages) as compared:
        found = await compare(compared, size.rounds, size.seconds)
    return Found(
        [
            at_least("newest 20 ÷ pgbench", 0.5, found.ratios(OURS, LIMIT)),
            at_least("newest 20 ÷ FastAPI + supabase-py", 10, found.ratios(OURS, SUPABASE)),
            shown("newest 20 ÷ pgbench, planned once for all users", found.ratios(OURS, KEPT)),
            shown("newest 20 ÷ asyncpg alone", found.ratios(OURS, ALONE)),
        ],
        [Table("A user's newest 20 messages, row-level security on, token verified", found.rows())],
    )


@asynccontextmanager
async def variants(setup: BenchmarkSetup, messages: int) -> AsyncIterator[list[Variant]]:
    """The limit first; Ava's service twice, with a large log and with one of 3,000 messages."""
    large, small = await setup.database("large"), await setup.database("small")
    people, fewer = await filled(large, PEOPLE, messages), await filled(small, PEOPLE, SMALL)
    async with AsyncExitStack() as servers:

        def variant(name: str, app: str, variables: dict[str, str], users: Sequence[UUID]) -> Variant:
            server = servers.enter_context(serving(app, setup.folder, variables))
            return Variant(name, _turns(server, setup, requests(setup, users)))

        scripts = read_scripts(setup.folder, people[:10])
        supabase = await servers.enter_async_context(supabase_py.serving_supabase(setup, large))
        yield [
            Variant(LIMIT, pgbench(setup, large, scripts, PLANNED)),
            Variant(KEPT, pgbench(setup, large, scripts)),
            Variant(ALONE, asyncpg_alone(setup, large, people)),
            variant(OURS, SERVICE, service_variables(setup, large), people),
            variant("ours, small log", SERVICE, service_variables(setup, small), fewer),
            variant(DICTS, "bench.rivals.messages:app", _usual(setup, large), people),
            Variant(SUPABASE, _turns(supabase, setup, requests(setup, people))),
        ]


def requests(setup: BenchmarkSetup, people: Sequence[UUID]) -> Callable[[], bytes]:
    """All users in turn ask for their own messages."""
    head = f"GET /messages?limit={ASKED} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
    asked = [f"{head}Authorization: Bearer {setup.issuer.token(one)}\r\n\r\n".encode() for one in people]
    return itertools.cycle(asked).__next__


def _turns(server: Server, setup: BenchmarkSetup, make: Callable[[], bytes]) -> Callable[[float], Turn]:
    return lambda seconds: server.take_turn(make, seconds, setup.cluster)


def service_variables(setup: BenchmarkSetup, database: Database, url: str = "") -> dict[str, str]:
    """Messaging as in production; `url` leads to the database another way."""
    issuer, url = setup.issuer.url, url or database.url("ava_messaging")
    return {"MESSAGING_DATABASE_URL": url, "SUPABASE_URL": issuer, "AUTH_URL": issuer}


def _usual(setup: BenchmarkSetup, database: Database) -> dict[str, str]:
    keys = f"{setup.issuer.url}/auth/v1/.well-known/jwks.json"
    return {"BENCH_DATABASE_URL": database.url("ava_messaging"), "BENCH_JWKS_URL": keys}
