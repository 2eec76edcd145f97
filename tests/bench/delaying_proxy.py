"""A TCP proxy that passes everything on, a little later: a server that is far away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class _OneWay(asyncio.Protocol):
    """Passes what arrives to `other` after a delay, in order."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.other: asyncio.Transport | None = None
        self._early: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self.seconds, self._pass_on, data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
        elif not self.other.is_closing():
            self.other.write(data)

    def joined(self, other: asyncio.Transport) -> None:
        self.other = other
        for data in self._early:
            other.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other:
            self.other.close()


class _Caller(_OneWay):
    """The side of who connects."""

    def __init__(self, port: int, seconds: float) -> None:
        super().__init__(seconds)
        self._port = port
        self._joining: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._joining = asyncio.get_running_loop().create_task(self._join(transport))

    async def _join(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        server, protocol = await loop.create_connection(
            lambda: _OneWay(self.seconds), "127.0.0.1", self._port
        )
        protocol.joined(transport)
        self.joined(server)


@asynccontextmanager
async def delayed(port: int, seconds: float) -> AsyncIterator[int]:
    """A port that leads to this one; both ways take so long."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Caller(port, seconds), "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
