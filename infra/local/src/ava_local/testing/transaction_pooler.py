"""A transaction pooler in front of PostgreSQL: clients take turns on its connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SSL_REQUEST = 80877103


@dataclass
class ServerConnection:
    """One connection to PostgreSQL, and whose turn it is; `unanswered` counts what still gets a Z message."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    client: asyncio.StreamWriter | None = None
    unanswered: int = 0


@dataclass
class TransactionPooler:
    """Every client logs in on a connection of its own, which from then on is everyone's."""

    server_port: int
    free: list[ServerConnection] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: ServerConnection | None = await self._log_in(reader, writer)
        while True:
            kind, message = await read_message(reader)
            if kind == b"X":
                return
            if held is None or held.client is not writer:
                held = await self._take(writer)
            held.unanswered += kind in (b"S", b"Q")
            held.writer.write(message)

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ServerConnection:
        first = await read_startup(reader)
        if int.from_bytes(first[4:8], "big") == SSL_REQUEST:
            writer.write(b"N")
            first = await read_startup(reader)
        server = ServerConnection(*await asyncio.open_connection("127.0.0.1", self.server_port), writer, 1)
        server.writer.write(first)
        task = asyncio.create_task(self._answer(server))
        self.tasks.add(task)
        return server

    async def _take(self, client: asyncio.StreamWriter) -> ServerConnection:
        while not self.free:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        server = self.free.pop()
        server.client = client
        return server

    async def _answer(self, server: ServerConnection) -> None:
        """Pass on what the server says; after a transaction the connection is free for the next client."""
        while True:
            try:
                kind, message = await read_message(server.reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if server.client:
                server.client.write(message)
            server.unanswered -= kind == b"Z"
            if kind == b"Z" and message[5:6] == b"I" and not server.unanswered:
                server.client = None
                self.free.append(server)


async def read_startup(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length, "big") - 4)


async def read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One message: its kind, and all of its bytes."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(int.from_bytes(head[1:], "big") - 4)


@asynccontextmanager
async def transaction_pooler(server_port: int) -> AsyncIterator[int]:
    """The port of a transaction pooler in front of the PostgreSQL on `server_port`."""
    pooler = TransactionPooler(server_port)
    server = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in pooler.tasks:
            task.cancel()
