"""The HTTP clients of the peers and of Graph, one set for each lane being worked on; requests to a peer.

Decisions 0106, 0144 and 0154.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from ava_common.http_client import own_problem, retry_after_seconds, tls_context
from ava_whatsapp_gateway.peers.client import PeerClient
from ava_whatsapp_gateway.peers.transport import PeerTransport
from ava_whatsapp_gateway.settings import Settings

_KEEPALIVE_SECONDS = 3.0
"""How long an idle connection to Graph lives: shorter than any server's, so that none dies under a call."""


@dataclass(frozen=True, slots=True)
class Clients:
    """One set of clients; each has its own connections."""

    auth: httpx.AsyncClient
    profile: httpx.AsyncClient
    messaging: httpx.AsyncClient
    graph: httpx.AsyncClient


class ClientPool:
    """As many sets as lanes are worked on at once."""

    def __init__(self, sets: list[Clients]) -> None:
        self._idle = asyncio.LifoQueue[Clients]()
        for clients in sets:
            self._idle.put_nowait(clients)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Clients]:
        """A set for one event; only lanes that come back from an answerer may have to wait for one."""
        clients = await self._idle.get()
        try:
            yield clients
        finally:
            self._idle.put_nowait(clients)


@asynccontextmanager
async def open_clients(settings: Settings, sets: int) -> AsyncIterator[ClientPool]:
    """`sets` sets of clients that share one TLS context."""
    addresses = settings.auth_url, settings.profile_url, settings.messaging_url, settings.graph_api_url
    tls = tls_context(*addresses, load=ssl.create_default_context)
    token = f"Bearer {settings.access_token.get_secret_value()}"
    graph = {"Authorization": token, "Accept-Encoding": "identity"}  # so that a limit is one of what is read
    async with AsyncExitStack() as stack:

        async def opened(url: str, timeout_seconds: float, **more: dict[str, str]) -> httpx.AsyncClient:
            client = PeerClient(url, PeerTransport(tls, _KEEPALIVE_SECONDS), timeout_seconds, **more)
            return await stack.enter_async_context(client)

        yield ClientPool(
            [
                Clients(
                    await opened(settings.auth_url, settings.peer_timeout_seconds),
                    await opened(settings.profile_url, settings.peer_timeout_seconds),
                    await opened(settings.messaging_url, settings.peer_timeout_seconds),
                    await opened(settings.graph_api_url, settings.graph_timeout_seconds, headers=graph),
                )
                for _ in range(sets)
            ]
        )


class PeerAway(Exception):
    """A service does not answer, says that it cannot now and when to ask again, or was not reached at all."""

    def __init__(self, peer: str, why: str, retry_after: float | None = None) -> None:
        super().__init__(f"{peer} is away: {why}")
        self.peer = peer
        self.retry_after_seconds = retry_after


class TokenRejected(Exception):
    """A service does not accept the delegated token any more: ask auth for a new one."""

    def __init__(self, peer: str) -> None:
        super().__init__(f"{peer} does not accept our tokens")


class PeerRefused(Exception):
    """A service answered, and its answer will not change by asking again."""

    def __init__(self, peer: str, response: httpx.Response) -> None:
        super().__init__(f"{peer} refused: {response.status_code} {own_problem(response)}")


async def request(
    client: httpx.AsyncClient, peer: str, method: str, path: str, **options: Any
) -> httpx.Response:
    """The service's own answer when it is final: 2xx, or a refusal in one of our problem documents.

    Whatever else answers in its place (a proxy, a maintenance page) does not speak for it: PeerAway, as when
    the service cannot answer now. Raises TokenRejected when it does not accept our token.
    """
    try:
        response = await client.request(method, path, **options)
    except httpx.HTTPError as error:
        raise PeerAway(peer, type(error).__name__) from None
    status = response.status_code
    if status >= 500 or status in (408, 425, 429):
        raise PeerAway(peer, str(status), retry_after_seconds(response))
    if not response.is_success:
        if own_problem(response) is None:
            raise PeerAway(peer, f"{status} without a problem document of its own")
        if status == 401:
            raise TokenRejected(peer)
    return response
