"""A transport for httpx: HTTP/1.1 parsed by httptools on connections of its own, for calls to a peer.

Decision 0154.
"""

import asyncio
import socket
import ssl
from asyncio import staggered
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import httpx

from ava_common.http_connection import Connection

_NEXT_ADDRESS_SECONDS = 0.25
"""How long one address of a host is tried before the next one is tried beside it."""
_PORTS = {"http": 80, "https": 443}


class PeerTransport(httpx.AsyncBaseTransport):
    """For few calls at a time, as those of one lane: the last connection that became free is used again.

    Neither proxies nor redirects; no call is repeated here. Its errors are httpx's own.
    """

    def __init__(self, tls: ssl.SSLContext, keepalive_seconds: float) -> None:
        self._tls, self._keepalive_seconds = tls, keepalive_seconds
        self._idle: dict[tuple[str, str, int], deque[Connection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx calls this for every request."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        url, head = request.url, _head(request)
        where = url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS.get(url.scheme, 0)
        connection = self._reused(where) or await self._connected(*where, timeouts.get("connect"))
        try:
            await connection.send(request, head, _trace(request), timeouts.get("write"))
            status, reason, headers = await connection.head(timeouts.get("read"))
        except BaseException:
            connection.abort()
            raise
        body = _Body(connection, timeouts.get("read"), partial(self._free, where, connection))
        extensions = {"http_version": b"HTTP/1.1", "reason_phrase": reason}
        return httpx.Response(status, headers=headers, stream=body, extensions=extensions)

    async def aclose(self) -> None:
        for connection in (one for kept in self._idle.values() for one in kept):
            connection.abort()
        self._idle.clear()

    def _reused(self, where: tuple[str, str, int]) -> Connection | None:
        kept = self._idle.get(where)
        while kept:
            connection = kept.pop()
            if connection.is_fresh(self._keepalive_seconds):
                return connection
            connection.abort()
        return None

    def _free(self, where: tuple[str, str, int], connection: Connection) -> None:
        """Kept for the next request when this one ended as it should."""
        if connection.ends_clean():
            self._idle.setdefault(where, deque()).append(connection)
        else:
            connection.abort()

    async def _connected(self, scheme: str, host: str, port: int, seconds: float | None) -> Connection:
        if scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{scheme}:// is not HTTP")
        tls = self._tls if scheme == "https" else None
        try:
            async with asyncio.timeout(seconds):
                return await _first_that_answers(host, port, tls)
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:  # ssl.SSLError is one, too
            raise httpx.ConnectError(str(error)) from error


async def _first_that_answers(host: str, port: int, tls: ssl.SSLContext | None) -> Connection:
    """A host may have several addresses, and one that answers nothing must not keep us from the others."""
    loop = asyncio.get_running_loop()
    name = host if tls else None

    async def connect(address: str) -> Connection:
        made = await loop.create_connection(Connection, address, port, ssl=tls, server_hostname=name)
        return made[1]

    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if len(addresses) == 1:
        return await connect(addresses[0])
    attempts = [partial(connect, address) for address in addresses]
    first, _, errors = await staggered.staggered_race(attempts, _NEXT_ADDRESS_SECONDS)
    if first is None:
        raise next((error for error in errors if isinstance(error, OSError)), OSError("no address answers"))
    made: Connection = first
    return made


def _trace(request: httpx.Request) -> Callable[[str, dict[str, Any]], Awaitable[None]] | None:
    """Who wants to know when the first byte leaves, as httpx's own transport tells it."""
    found: Callable[[str, dict[str, Any]], Awaitable[None]] | None = request.extensions.get("trace")
    return found


def _head(request: httpx.Request) -> bytes:
    """The request line and the headers. Raises LocalProtocolError for what would end one of them early."""
    parts = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    for name, value in request.headers.raw:
        if name.lower() == b"transfer-encoding":
            raise httpx.LocalProtocolError("a body without a length is not sent")
        parts.append(b"%s: %s" % (name, value))
    lines = b"\r\n".join(parts)
    if lines.count(b"\n") != len(parts) - 1 or lines.count(b"\r") != len(parts) - 1 or b"\0" in lines:
        raise httpx.LocalProtocolError("a header holds a line break")
    return lines + b"\r\n\r\n"


class _Body(httpx.AsyncByteStream):
    """The body as it arrives; closing it early ends the connection."""

    def __init__(self, connection: Connection, seconds: float | None, free: Callable[[], None]) -> None:
        self._connection, self._seconds, self._free = connection, seconds, free
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self._connection.chunk(self._seconds):
            yield chunk

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._free()
