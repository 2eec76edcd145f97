"""A gateway with a real database, and fake peers that speak the real protocols over real connections."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from ava_common.database import Pool, open_pool
from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front, front_of
from ava_local.testing.running_app import client_of_started
from ava_whatsapp_gateway.app import create_app
from ava_whatsapp_gateway.cloud_api.typing_indicator import open_typing_indicator
from ava_whatsapp_gateway.handling.answerer import Answerer
from ava_whatsapp_gateway.handling.handler import Handler
from ava_whatsapp_gateway.handling.http_answerer import open_answerer
from ava_whatsapp_gateway.outbox.rate_limiter import RateLimiter
from ava_whatsapp_gateway.outbox.sender import Sender
from ava_whatsapp_gateway.peers.http import open_clients
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.group_commit import GroupCommit
from ava_whatsapp_gateway.queue.lane_runner import LaneRunner
from ava_whatsapp_gateway.queue.lease_keeper import LeaseKeeper
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.webhook.delivery_inbox import KEEP
from ava_whatsapp_gateway.webhook.ingest import ingest

from . import state_watch
from .answering_service import AnsweringService
from .answering_service import answering as answering_service
from .fake_peers import CLIENT_SECRET, FakePeers, serving
from .meta_payloads import APP_SECRET, NUMBER_ID, envelope

MakeSettings = Callable[..., Settings]
RunService = Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]
LinkNumber = Callable[..., Awaitable[UUID]]
StartGateway = Callable[..., Awaitable["Gateway"]]
Operate = Callable[..., Any]


@pytest_asyncio.fixture(loop_scope="session")
async def database(database: Database) -> AsyncIterator[Database]:
    """A database whose changes of state are noted: none may be one that docs/states.md does not know."""
    await state_watch.watch(database)
    yield database
    assert state_watch.not_drawn(await state_watch.seen(database)) == set()


@pytest_asyncio.fixture(loop_scope="session")
async def front(database: Database) -> AsyncIterator[Front]:
    async with front_of(database.url("ava_whatsapp_gateway")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def peers() -> AsyncIterator[FakePeers]:
    made = FakePeers()
    async with serving(made.answer) as url:
        made.url = url
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def answerer() -> AsyncIterator[AnsweringService]:
    async with answering_service() as made:
        yield made


@pytest.fixture
def settings(database: Database, peers: FakePeers) -> MakeSettings:
    def make(**changes: Any) -> Settings:
        usual: dict[str, Any] = {
            "database_url": database.url("ava_whatsapp_gateway"),
            "auth_url": peers.url,
            "profile_url": peers.url,
            "messaging_url": peers.url,
            "graph_api_url": peers.url,
            "client_secret": CLIENT_SECRET,
            "app_secrets": [APP_SECRET],
            "verify_token": "a-token-for-metas-handshake",
            "access_token": "a-token-for-the-graph-api",
            "phone_number_id": NUMBER_ID,
            "poll_seconds": 0.05,
            "lease_seconds": 20.0,
            "graph_timeout_seconds": 10.0,
            "peer_timeout_seconds": 10.0,
            "backoff_unit_seconds": 0.01,
            "sends_per_second": 10_000,
            "concurrency": 4,
            "probe_seconds": 0.2,
        }
        return Settings(_env_file=None, **(usual | changes))

    return make


@dataclass
class Gateway:
    """One process of the gateway without its loops: the test decides what happens when."""

    pool: Pool
    writes: GroupCommit
    settings: Settings
    handler: Handler
    keeper: LeaseKeeper

    async def keep(self, *values: Any, raw: bytes | None = None) -> None:
        """Keep a delivery as the webhook endpoint does."""
        body = raw if raw is not None else envelope(*values)
        await self.pool.execute(KEEP, [hashlib.sha256(body).digest()], [body], [""])

    async def ingest_once(self) -> int:
        return await ingest(self.pool, NUMBER_ID)

    async def ingest(self) -> None:
        while await self.ingest_once():
            pass

    async def claim(self, most: int = 100, lease_seconds: float | None = None) -> list[lanes.Lane]:
        return await lanes.claim(self.pool, most, lease_seconds or self.settings.lease_seconds)

    async def run(self, lane: lanes.Lane) -> None:
        """Work through one claimed lane."""
        await LaneRunner(self.pool, self.writes, self.settings, self.handler.handle, asyncio.Event()).run(
            lane
        )

    async def round(self) -> int:
        """Ingest, claim what is due, work through it; the number of lanes worked on."""
        await self.ingest()
        claimed = await self.claim()
        for lane in claimed:
            await self.run(lane)
        return len(claimed)

    async def drain(self, seconds: float = 60.0) -> None:
        """Work until no lane is left, waiting out back-offs and leases."""
        until = time.monotonic() + seconds
        while await self.round() or await self.pool.fetchval("select exists (select from whatsapp.lanes)"):
            assert time.monotonic() < until, await self.states()
            await asyncio.sleep(0.02)

    async def states(self) -> list[tuple[str, str]]:
        rows = await self.pool.fetch("select key, state, reason from whatsapp.events order by id")
        return [(row["key"], row["state"]) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def gateways(settings: MakeSettings) -> AsyncIterator[StartGateway]:
    """As many gateways on one database as a test wants."""
    async with AsyncExitStack() as stack:

        async def start(answerer: Answerer | None = None, **changes: Any) -> Gateway:
            chosen = settings(**changes)
            url = chosen.database_url.get_secret_value()
            pool = await stack.enter_async_context(
                open_pool(url, name="test", size=6, may_become=("service_role",))
            )
            clients = await stack.enter_async_context(open_clients(chosen, 4))
            writes = GroupCommit(pool)
            sender = Sender(pool, writes, chosen, RateLimiter(chosen.sends_per_second))
            chosen_answerer = await stack.enter_async_context(open_answerer(chosen))
            answering = answerer or chosen_answerer
            typing = await stack.enter_async_context(open_typing_indicator(chosen, wanted=answering.thinks))
            keeper = LeaseKeeper(pool, chosen.lease_seconds)
            handler = Handler(
                pool, writes, chosen, clients, sender, answerer=answering, typing=typing, keeper=keeper
            )
            return Gateway(pool, writes, chosen, handler, keeper)

        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(gateways: StartGateway) -> Gateway:
    return await gateways()


@pytest.fixture
def operator(database: Database) -> Operate:
    """The operator CLI as it is typed: what it printed, or the errors where it ends with a `status`."""

    def run(*arguments: str, status: int = 0, stdin: str = "") -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "ava_whatsapp_gateway", *arguments],
            env={**os.environ, "WHATSAPP_GATEWAY_DATABASE_URL": database.url("ava_whatsapp_gateway")},
            cwd="/",
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == status, done.stderr
        if status:
            return done.stderr
        return json.loads(done.stdout) if "--json" in arguments or arguments[0] == "show" else done.stdout

    return run


@pytest.fixture
def linked(database: Database) -> LinkNumber:
    """Links a number to a person as profile does; returns the person."""

    async def link(phone: str, person: UUID | None = None) -> UUID:
        person = person or await database.person()
        await database.admin(
            "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
            " values ($1, $2, clock_timestamp()) on conflict (user_id) do update set"
            " whatsapp_phone = $2, whatsapp_linked_at = clock_timestamp()",
            person,
            phone,
        )
        return person

    return link


@pytest.fixture
async def person(linked: LinkNumber) -> UUID:
    """A person who linked the number that Meta's messages come from unless a test says otherwise."""
    return await linked("+4915112345678")


@pytest.fixture
def run_service() -> RunService:
    """Runs the whole service, including its worker, and yields a client of it."""
    return lambda settings: client_of_started(create_app(settings))
