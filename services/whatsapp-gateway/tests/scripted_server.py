"""A server on a socket that answers in every way a server can, and a client of the gateway for it."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx

from ava_whatsapp_gateway.peers.client import PeerClient
from ava_whatsapp_gateway.peers.transport import PeerTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STALE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Answer = Callable[["ScriptedServer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ScriptedServer:
    """Reads whole requests and answers each by `answer`; counts connections.

    `answered` is set once all of an answer was written: the client has then read what was written before.
    """

    def __init__(self) -> None:
        self.port, self.connections, self.requests = 0, 0, list[bytes]()
        self.answered, self.closed = asyncio.Event(), asyncio.Event()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        request = head + await reader.readexactly(int(length[1]) if length else 0)
        self.requests.append(request)
        self.answered.clear()
        return request


@asynccontextmanager
async def serving(*answers: bytes | Answer) -> AsyncIterator[tuple[ScriptedServer, httpx.AsyncClient]]:
    """Each request gets the next of the answers, the last one again and again."""
    server = ScriptedServer()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await server.request(reader)
                answer = answers[min(len(server.requests), len(answers)) - 1]
                if isinstance(answer, bytes):
                    writer.write(answer)
                else:
                    await answer(server, reader, writer)
                server.answered.set()
        server.closed.set()
        writer.close()

    listening = await asyncio.start_server(converse, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    transport = PeerTransport(ssl.create_default_context(), keepalive_seconds=60)
    async with PeerClient(f"http://127.0.0.1:{server.port}", transport, 0.5) as client:
        yield server, client
    listening.close()


def then_close(data: bytes) -> Answer:
    async def answer(_: ScriptedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return answer


def then_reset(data: bytes) -> Answer:
    async def answer(_: ScriptedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await asyncio.sleep(0.05)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()

    return answer


def in_parts(*parts: bytes) -> Answer:
    async def answer(_: ScriptedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.05)

    return answer
