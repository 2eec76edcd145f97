"""A front before PostgreSQL, as a pooler is one: it passes sessions on, or answers with errors of its own."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

_SSL_REQUEST = 80877103
_STATEMENT = b"PBDEQ"  # Parse, Bind, Describe, Execute, Query
_TRANSACTION_WORDS = (b"BEGIN", b"START", b"COMMIT", b"ROLLBACK", b"SAVEPOINT", b"RELEASE")


@dataclass
class Front:
    """Its faults may be changed at any time; without any it is not noticed.

    `refuse` is the SQLSTATE that every new session ends with, once `places` sessions are open. `fail` is that
    of every statement but those that begin or end a transaction; with the severity FATAL it also ends the
    session. A `silent` front accepts a connection and says nothing.
    """

    server: tuple[str, int]
    port: int = 0
    refuse: str | None = None
    places: int = 0
    fail: str | None = None
    severity: str = "ERROR"
    silent: bool = False
    open: int = 0
    refused: int = 0
    failed: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def url(self, url: str) -> str:
        """The URL of a database, through this front."""
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self.port}"))

    def cut(self) -> None:
        """End all open sessions without a word."""
        for writer in self._writers:
            writer.transport.abort()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its first packet to its end."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            startup = await _startup(reader, writer)
            if self.silent:
                await reader.read()
            elif self.refuse and self.open >= self.places:
                self.refused += 1
                writer.write(_error("FATAL", self.refuse))
                await writer.drain()
            else:
                await self._session(startup, reader, writer)
        writer.close()

    async def _session(
        self, startup: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        back, forth = await asyncio.open_connection(*self.server)
        self.open += 1
        self._writers |= {writer, forth}
        forth.write(startup)
        passing = [
            asyncio.create_task(_copy(back, writer)),
            asyncio.create_task(self._ask(reader, forth, writer)),
        ]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)
        self._writers -= {writer, forth}
        self.open -= 1
        forth.close()

    async def _ask(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        """Pass on what the client asks; a statement that is to fail never reaches the server."""
        skipping = False
        while True:
            kind, message = await _message(reader)
            if self.fail and kind in _STATEMENT and not skipping and not _ends_or_begins(kind, message):
                self.failed += 1
                client.write(_error(self.severity, self.fail))
                if self.severity == "FATAL":
                    return
                skipping = kind != b"Q"
                if not skipping:
                    client.write(_READY)
            elif skipping and kind == b"S":
                skipping = False
                client.write(_READY)
            elif not skipping:
                server.write(message)


_READY = b"Z" + struct.pack("!I", 5) + b"I"


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The client's first packet, after having declined TLS if it asked for that."""
    while True:
        head = await reader.readexactly(8)
        length, code = struct.unpack("!II", head)
        if code != _SSL_REQUEST:
            return head + await reader.readexactly(length - 8)
        writer.write(b"N")


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!I", head[1:])
    return head[:1], head + await reader.readexactly(length - 4)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()


def _ends_or_begins(kind: bytes, message: bytes) -> bool:
    return kind == b"Q" and message[5:].upper().startswith(_TRANSACTION_WORDS)


def _error(severity: str, state: str) -> bytes:
    texts = {"S": severity, "V": severity, "C": state, "M": "max clients reached in session mode"}
    body = b"".join(f"{kind}{text}".encode() + b"\0" for kind, text in texts.items()) + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body


@asynccontextmanager
async def front_of(url: str) -> AsyncIterator[Front]:
    """A front before the server of this URL, on a port of its own."""
    parts = urlsplit(url)
    front = Front((str(parts.hostname), int(parts.port or 5432)))
    server = await asyncio.start_server(front.converse, "127.0.0.1", 0)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        front.cut()
        server.close()
