"""The service with fast paths, served by uvicorn on a port of its own, and what is said to it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn

from ava_common.serve import DEFAULTS
from ava_local.testing.waiting import eventually

from . import cups_service

END = b"GET /cups/end HTTP/1.1\r\nHost: cups\r\nConnection: close\r\n\r\n"


class Served:
    """A service on a port of its own."""

    def __init__(self, server: uvicorn.Server, port: int) -> None:
        self.server, self.port = server, port

    @property
    def kitchen(self) -> cups_service.Kitchen:
        kitchen: cups_service.Kitchen = self.server.lifespan.state["resources"]
        return kitchen

    async def say(self, *pieces: bytes) -> bytes:
        """All that comes back until the connection is closed, at once or after the last request."""
        loop, said = asyncio.get_running_loop(), b""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.setblocking(False)
            with suppress(ConnectionError):  # what was closed before the last request is reset by it
                for piece in (*pieces, END):
                    await loop.sock_sendall(connection, piece)
                    await asyncio.sleep(0.002)
            with suppress(ConnectionError):
                async with asyncio.timeout(10):
                    while received := await loop.sock_recv(connection, 65_536):
                        said += received
        return said


@asynccontextmanager
async def served(http: Any, **options: Any) -> AsyncIterator[Served]:
    chosen: dict[str, Any] = DEFAULTS | {"http": http, "log_config": None, "port": 0} | options
    server = uvicorn.Server(uvicorn.Config(cups_service.build, **chosen))
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield Served(server, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await running


def request(
    *headers: str, line: str = "POST /cups HTTP/1.1", body: bytes = b'{"name":"fast"}', length: bool = True
) -> bytes:
    known = ["Host: cups", "Content-Type: application/json", *headers]
    known += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([line, *known, "", ""]).encode("latin-1") + body
