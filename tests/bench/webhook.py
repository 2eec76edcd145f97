"""Benchmark: a signed text message accepted, by bare ASGI, by Ava's gateway and by alternatives."""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from ava_local.stack.environment import DISPLAY_NUMBER, PHONE_NUMBER_ID
from ava_local.testing.databases import Database
from bench import peer_packages
from bench.benchmark_setup import BenchmarkSetup
from bench.comparison import Turn, Variant, compare
from bench.results import Found, Table, at_least, shown
from bench.servers import Server, serving
from bench.size import Size

SECRET = "the-app-secret-of-the-benchmark"
PATH = "/webhooks/whatsapp"
GATEWAY = "ava_whatsapp_gateway.app:build"
NOWHERE = "http://127.0.0.1:9"
_LOCK = "select pg_advisory_lock(hashtextextended('whatsapp.split', 0))"

LIMIT, OURS, INSERT, PYWA = (
    "bare ASGI (limit)",
    "ours",
    "FastAPI + pydantic + one INSERT",
    "pywa (persists nothing)",
)

_numbers = itertools.count(1)


async def measure(setup: BenchmarkSetup, size: Size) -> Found:
    """Ours with access log, metrics and trace, as in production."""
    async with variants(setup) as compared:
        found = await compare(compared, size.rounds, size.seconds)
    return Found(
        [
            at_least("webhook accepted ÷ bare ASGI", 0.45, found.ratios(OURS, LIMIT)),
            at_least("webhook accepted ÷ pywa", 2.5, found.ratios(OURS, PYWA)),
            shown("webhook accepted ÷ FastAPI + one INSERT", found.ratios(OURS, INSERT)),
        ],
        [Table("A signed text message accepted, 32 keep-alive connections", found.rows())],
    )


def signed_delivery() -> bytes:
    """A complete HTTP request, never the same twice, with the fields Meta sends since 2026."""
    body = _PAYLOAD.replace(b"NUMBER", b"%012d" % next(_numbers))
    signature = hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()
    return b"%s%d\r\nX-Hub-Signature-256: sha256=%s\r\n\r\n%s" % (_HEAD, len(body), signature.encode(), body)


def _payload() -> bytes:
    sender, user = "4915112345678", "DE.1234567890123456"
    contact = {"profile": {"name": "Mira", "username": "mira"}, "wa_id": sender, "user_id": user}
    text = {
        "from": sender, "from_user_id": user, "id": "wamid.NUMBER", "timestamp": str(int(time.time())),
        "type": "text", "text": {"body": "Good morning, how did you sleep?"},
    }  # fmt: skip
    metadata = {"display_phone_number": DISPLAY_NUMBER[1:], "phone_number_id": PHONE_NUMBER_ID}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": [contact], "messages": [text]}
    change = {"field": "messages", "value": value}
    account = {"id": "102290129340398", "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [account]}).encode()


_PAYLOAD = _payload()
_HEAD = (
    f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: facebookexternalua\r\n"
    "Content-Type: application/json\r\nContent-Length: "
).encode()


@asynccontextmanager
async def variants(setup: BenchmarkSetup) -> AsyncIterator[list[Variant]]:
    """The limit first. `ours` leaves ingesting to another process, the next variant does it too."""
    alone, busy, usual = [await setup.database(name) for name in ("alone", "busy", "usual")]
    secret = {"BENCH_APP_SECRET": SECRET}
    database = {"BENCH_DATABASE_URL": usual.url("ava_whatsapp_gateway")}
    async with AsyncExitStack() as servers:
        await servers.enter_async_context(ingest_elsewhere(alone))

        def variant(name: str, app: str, variables: dict[str, str], **options: str) -> Variant:
            server = servers.enter_context(serving(app, setup.folder, variables, **options))
            return Variant(name, _turns(server, setup))

        rows = [
            variant(LIMIT, "bench.rivals.floor:app", {}),
            variant(OURS, GATEWAY, gateway_variables(alone)),
            variant("ours, splitting in the same process", GATEWAY, gateway_variables(busy)),
            variant(INSERT, "bench.rivals.webhook:app", secret | database),
        ]
        if peer_packages.PYTHON.exists():
            pywa = "bench.rivals.pywa_webhook:app"
            rows.append(variant(PYWA, pywa, secret, python=str(peer_packages.PYTHON)))
        yield rows


def _turns(server: Server, setup: BenchmarkSetup) -> Callable[[float], Turn]:
    return lambda seconds: server.take_turn(signed_delivery, seconds, setup.cluster)


@asynccontextmanager
async def ingest_elsewhere(database: Database) -> AsyncIterator[None]:
    """Only the gateway with this lock ingests; held here, so that only accepting is measured."""
    holder = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        await holder.execute(_LOCK)
        yield
    finally:
        await holder.close()


def gateway_variables(database: Database, url: str = "") -> dict[str, str]:
    """A real gateway whose peers cannot be reached: what it accepts stays in its queue."""
    own = {
        "DATABASE_URL": url or database.url("ava_whatsapp_gateway"), "APP_SECRETS": SECRET,
        "CLIENT_SECRET": "not-used-by-the-benchmark", "VERIFY_TOKEN": "not-used-by-the-benchmark",
        "ACCESS_TOKEN": "not-used-by-the-benchmark", "PHONE_NUMBER_ID": PHONE_NUMBER_ID,
    }  # fmt: skip
    peers = dict.fromkeys(("AUTH_URL", "PROFILE_URL", "MESSAGING_URL", "GRAPH_API_URL"), NOWHERE)
    return {f"WHATSAPP_GATEWAY_{name}": value for name, value in own.items()} | peers
