"""The newest 20 messages of a person, row-level security on, token verified."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from uuid import UUID

from ava_local.testing.databases import Database
from bench.ground import Ground, filled
from bench.limit import asyncpg_alone, pgbench
from bench.servers import Server, serving
from bench.variants import Turn, Variant

PEOPLE = 50
SMALL = 3_000
ASKED = 20


@asynccontextmanager
async def variants(ground: Ground, messages: int) -> AsyncIterator[list[Variant]]:
    """The limit first; `ours` once more on a log of 3,000 messages."""
    large, small = await ground.database("large"), await ground.database("small")
    people, fewer = await filled(large, PEOPLE, messages), await filled(small, PEOPLE, SMALL)
    with ExitStack() as stack:

        def variant(name: str, app: str, variables: dict[str, str], whose: Sequence[UUID]) -> Variant:
            server = stack.enter_context(serving(app, ground.folder, variables))
            return Variant(name, _turns(server, ground, requests(ground, whose)))

        room = "ava_messaging.app:build"
        yield [
            Variant("pgbench, the same transaction (limit)", pgbench(ground, large, people)),
            Variant("asyncpg alone, without HTTP", asyncpg_alone(ground, large, people)),
            variant(f"ours, {messages:,} messages", room, _room(ground, large), people),
            variant(f"ours, {SMALL:,} messages", room, _room(ground, small), fewer),
            variant("FastAPI + dicts + reset + claims one by one", "bench.rivals.messages:app",
                    _usual(ground, large), people),
        ]  # fmt: skip


def requests(ground: Ground, people: Sequence[UUID]) -> Callable[[], bytes]:
    """Everybody in turn asks for their own."""
    head = f"GET /messages?limit={ASKED} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
    asked = [f"{head}Authorization: Bearer {ground.issuer.token(one)}\r\n\r\n".encode() for one in people]
    return itertools.cycle(asked).__next__


def _turns(server: Server, ground: Ground, make: Callable[[], bytes]) -> Callable[[float], Turn]:
    return lambda seconds: server.take_turn(make, seconds, ground.cluster)


def _room(ground: Ground, database: Database) -> dict[str, str]:
    url = ground.issuer.url
    return {"MESSAGING_DATABASE_URL": database.url("ava_messaging"), "SUPABASE_URL": url, "AUTH_URL": url}


def _usual(ground: Ground, database: Database) -> dict[str, str]:
    keys = f"{ground.issuer.url}/auth/v1/.well-known/jwks.json"
    return {"BENCH_DATABASE_URL": database.url("ava_messaging"), "BENCH_JWKS_URL": keys}
