"""A gateway with a real database, and peers that speak the real protocols over real connections."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager

from ava_common.database import open_pool
from ava_whatsapp_gateway import lanes
from ava_whatsapp_gateway.app import create_app
from ava_whatsapp_gateway.auth import Delegations
from ava_whatsapp_gateway.means import Means, open_peers
from ava_whatsapp_gateway.pace import Pace
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.split import split
from ava_whatsapp_gateway.walk import walk

from .house import CLIENT_SECRET, Hang, House, Reset, serving
from .meta import APP_SECRET, NUMBER_ID, envelope, eventually, signed, status, text


@pytest_asyncio.fixture(loop_scope="session")
async def house() -> AsyncIterator[House]:
    made = House()
    async with serving(made.answer) as url:
        made.url = url
        yield made


@pytest.fixture
def settings(database: Any, house: House) -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        usual: dict[str, Any] = {
            "database_url": database.url("ava_whatsapp_gateway"),
            "auth_url": house.url,
            "profile_url": house.url,
            "messaging_url": house.url,
            "graph_api_url": house.url,
            "client_secret": CLIENT_SECRET,
            "app_secrets": [APP_SECRET],
            "verify_token": "a-token-for-metas-handshake",
            "access_token": "a-token-for-the-graph-api",
            "phone_number_id": NUMBER_ID,
            "poll": 0.05,
            "lease": 20.0,
            "graph_timeout": 10.0,
            "room_timeout": 10.0,
            "backoff_unit": 0.01,
            "number_rate": 10_000,
            "concurrency": 4,
            "probe": 0.2,
        }
        return Settings(_env_file=None, **(usual | changes))

    return make


@dataclass
class Gateway:
    """One process of the gateway without its loops: the test decides what happens when."""

    means: Means
    peers: list[Any]

    @property
    def pool(self) -> Any:
        return self.means.pool

    async def deliver(self, *values: Any, raw: bytes | None = None) -> None:
        """Keep a delivery as the door does."""
        body = raw if raw is not None else envelope(*values)
        await self.pool.execute(
            "insert into whatsapp.deliveries (digest, body) values ($1, $2) on conflict do nothing",
            hashlib.sha256(body).digest(),
            body,
        )

    async def split(self) -> None:
        while await split(self.pool, NUMBER_ID):
            pass

    async def round(self) -> int:
        """Split, claim what is due, work through it; the number of lanes worked on."""
        await self.split()
        claimed = await lanes.claim(self.pool, 100, self.means.settings.lease)
        for lane in claimed:
            await walk(self.means, self.peers[0], lane, asyncio.Event())
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
async def gateways(settings: Any) -> AsyncIterator[Callable[..., Awaitable[Gateway]]]:
    """As many gateways on one database as a test wants."""
    async with AsyncExitStack() as stack:

        async def start(**changes: Any) -> Gateway:
            chosen = settings(**changes)
            url = chosen.database_url.get_secret_value()
            pool = await stack.enter_async_context(
                open_pool(url, name="test", size=6, may_become=("service_role",))
            )
            peers = await stack.enter_async_context(open_peers(chosen, 4))
            delegations = Delegations(chosen.client_secret.get_secret_value())
            return Gateway(Means(pool, chosen, delegations, Pace(chosen.number_rate)), peers)

        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(gateways: Any) -> Gateway:
    return await gateways()


@pytest.fixture
def quiet(database: Any) -> Callable[[], Awaitable[None]]:
    """Wait until the worker has split every delivery and has no lane left to work on."""
    left = ("select from whatsapp.lanes union all select from whatsapp.deliveries where state = 'new'",)

    async def nothing_left() -> bool:
        return not await database.admin(*left)

    return lambda: eventually(nothing_left)


@pytest.fixture
def blocked(database: Any) -> Callable[[], Awaitable[None]]:
    """Wait until somebody in this database waits for a lock."""
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

    async def somebody_waits() -> bool:
        return bool(await database.admin(waiting))

    return lambda: eventually(somebody_waits)


@pytest.fixture
def linked(database: Any) -> Callable[..., Awaitable[UUID]]:
    """A person whose number is linked, as profile writes it."""

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


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The whole room, its worker included."""
    async with LifespanManager(create_app(settings), startup_timeout=60, shutdown_timeout=60) as manager:
        transport = httpx.ASGITransport(app=manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client


@pytest.fixture
def room() -> Any:
    return running


@pytest.fixture
def meta() -> SimpleNamespace:
    """How tests write what Meta sends."""
    return SimpleNamespace(text=text, status=status, envelope=envelope, signed=signed)


@pytest.fixture
def misbehaviour() -> Any:
    return {"hang": Hang, "reset": Reset}
