"""Proxies between the services, and before their database, that a run lets misbehave."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ava_local.stack.control import Stack
from ava_local.testing.postgres_front import Front, front_of

SIBLINGS = ("auth", "profile", "messaging")
STATUSES = ("200 OK", "404 Not Found", "403 Forbidden", "301 Moved Permanently", "405 Method Not Allowed")
PAGE = b"<html><body>We are back soon.</body></html>"


@dataclass
class ServiceProxy:
    """Passes bytes on to a service; while `shows_pages`, it answers every request itself, with a page."""

    server: tuple[str, int]
    shows_pages: bool = False
    pages_shown: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def show_pages(self, shows: bool) -> None:
        """Switch, and end the connections that were open."""
        self.shows_pages = shows
        for writer in self._open:
            writer.transport.abort()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if self.shows_pages:
                await self._show_page(reader, writer)
            else:
                await self._pass_on(reader, writer)
        writer.close()

    async def _show_page(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        status = STATUSES[self.pages_shown % len(STATUSES)]
        self.pages_shown += 1
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(PAGE)}\r\n\r\n".encode() + PAGE)
        await writer.drain()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(*self.server)
        self._open |= {writer, forth}
        passing = [asyncio.create_task(_copy(reader, forth)), asyncio.create_task(_copy(back, writer))]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)
        self._open -= {writer, forth}
        forth.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()


@dataclass(frozen=True)
class Proxies:
    """Before the gateway's database, and before the services it asks."""

    database: Front
    services: Mapping[str, ServiceProxy]
    variables: Mapping[str, str]


@asynccontextmanager
async def opened(stack: Stack) -> AsyncIterator[Proxies]:
    """Proxies of a stack that has not started yet, with the variables that lead through them."""
    url = stack.database_url("ava_whatsapp_gateway")
    async with AsyncExitStack() as entered:
        database = await entered.enter_async_context(front_of(url))
        variables = {"WHATSAPP_GATEWAY_DATABASE_URL": database.url(url)}
        services = {}
        for name in SIBLINGS:
            parts = urlsplit(stack.url(name))
            proxy = ServiceProxy((str(parts.hostname), int(parts.port or 80)))
            server = await asyncio.start_server(proxy.converse, "127.0.0.1", 0)
            entered.callback(server.close)
            services[name] = proxy
            variables[f"{name.upper()}_URL"] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield Proxies(database, services, variables)
