"""What handling an event needs: the database, the peers to ask, the pace to keep."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
import httpx

from ava_common.database import AWAY, Pool
from ava_common.peers import open_peer
from ava_whatsapp_gateway.auth import Delegations
from ava_whatsapp_gateway.pace import Pace
from ava_whatsapp_gateway.profile import Avatars
from ava_whatsapp_gateway.settings import Settings

T = TypeVar("T")

_KEEPALIVE = 3.0
"""Seconds an idle connection to Graph lives: shorter than any server's, so that none dies under a call."""


@dataclass(frozen=True, slots=True)
class Peers:
    """One set of connections; each lane being worked on has one to itself, because a shared pool is slow."""

    auth: httpx.AsyncClient
    profile: httpx.AsyncClient
    messaging: httpx.AsyncClient
    graph: httpx.AsyncClient


@dataclass(frozen=True, slots=True)
class Means:
    """Shared by all lanes of one process."""

    pool: Pool
    settings: Settings
    delegations: Delegations
    pace: Pace
    avatars: Avatars = field(default_factory=Avatars)


@asynccontextmanager
async def open_peers(settings: Settings, sets: int) -> AsyncIterator[list[Peers]]:
    """`sets` sets of clients that share one TLS context."""
    tls = ssl.create_default_context()
    token = {"Authorization": f"Bearer {settings.access_token.get_secret_value()}"}
    limits = httpx.Limits(max_connections=4, keepalive_expiry=_KEEPALIVE)
    async with AsyncExitStack() as stack:

        async def peer(url: str, seconds: float, **more: dict[str, str]) -> httpx.AsyncClient:
            opened = open_peer(url, seconds=seconds, verify=tls, limits=limits, trust_env=False, **more)
            return await stack.enter_async_context(opened)

        yield [
            Peers(
                await peer(settings.auth_url, settings.room_timeout),
                await peer(settings.profile_url, settings.room_timeout),
                await peer(settings.messaging_url, settings.room_timeout),
                await peer(settings.graph_api_url, settings.graph_timeout, headers=token),
            )
            for _ in range(sets)
        ]


async def insist(write: Callable[[], Awaitable[T]], seconds: float = 20.0) -> T:
    """Write down a fact from outside even while the database comes back: it cannot be asked for again."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await write()
        except (*AWAY, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            if asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(0.25)
