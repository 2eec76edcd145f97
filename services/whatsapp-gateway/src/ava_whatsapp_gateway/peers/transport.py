"""aiohttp's connections and parser under httpx, for calls to a peer: httpx's types, limits and errors.

Decision 0154.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from functools import cache

import aiohttp
import httpx
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from multidict import CIMultiDict
from yarl import URL

_HEADER_LIMIT_BYTES = 32 * 1024
_FROM_BELOW = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (OSError, httpx.ReadError),
    (aiohttp.ClientPayloadError, httpx.ReadError),
    (ValueError, httpx.LocalProtocolError),
    (Exception, httpx.RemoteProtocolError),
)
"""The first that fits says what httpx calls it."""


class PeerTransport(httpx.AsyncBaseTransport):
    """Neither cookies, proxies nor redirects; no call is repeated here. Its errors are httpx's own."""

    def __init__(self, tls: ssl.SSLContext, keepalive_seconds: float) -> None:
        self._connector = aiohttp.TCPConnector(
            ssl=tls, keepalive_timeout=keepalive_seconds, use_dns_cache=False
        )
        self._places: dict[tuple[str, bytes], aiohttp.ClientRequest] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx calls this for every request."""
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        try:
            connection = await self._connect(request.url, limits.get("connect"))
            try:
                return await _ask(connection, request, limits)
            except BaseException:
                connection.close()
                raise
        except _FROM_BELOW as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        await self._connector.close()

    async def _connect(self, url: httpx.URL, seconds: float | None) -> Connection:
        for _ in range(2):
            try:
                connection = await self._connector.connect(self._place(url), [], _connecting(seconds))
            except TimeoutError:
                raise httpx.ConnectTimeout("no connection in time") from None
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        raise httpx.RemoteProtocolError("the server spoke before it was asked")

    def _place(self, url: httpx.URL) -> aiohttp.ClientRequest:
        """Where to connect to, as aiohttp wants to be told."""
        key = url.scheme, url.netloc
        if key not in self._places:
            if url.scheme not in ("http", "https") or not url.host:
                raise httpx.UnsupportedProtocol(f"nothing is asked at {url}")
            origin, loop = URL(f"{url.scheme}://{url.netloc.decode('ascii')}"), asyncio.get_running_loop()
            self._places[key] = aiohttp.ClientRequest("GET", origin, loop=loop)
        return self._places[key]


async def _ask(
    connection: Connection, request: httpx.Request, limits: Mapping[str, float | None]
) -> httpx.Response:
    protocol, whole = connection.protocol, request.stream
    if protocol is None or not isinstance(whole, httpx.ByteStream):
        raise httpx.LocalProtocolError("a peer is told what is whole before it is sent")
    if trace := request.extensions.get("trace"):
        for part in ("headers", "body"):  # both are written from here on
            await trace(f"http11.send_request_{part}.started", {"request": request})
    protocol.set_response_params(
        skip_payload=request.method == "HEAD",
        read_until_eof=True,
        auto_decompress=False,
        max_line_size=_HEADER_LIMIT_BYTES,
        max_field_size=_HEADER_LIMIT_BYTES,
    )
    target = (request.extensions.get("target") or request.url.raw_path).decode("ascii")
    said = [(name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw]
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    await writer.write_headers(f"{request.method} {target} HTTP/1.1", CIMultiDict(said))
    try:
        async with asyncio.timeout(limits.get("write")):
            await writer.write_eof(b"".join(whole))
    except TimeoutError:
        raise httpx.WriteTimeout("the request could not be sent in time") from None
    try:
        async with asyncio.timeout(limits.get("read")):
            head, rest = await protocol.read()
            while head.code < 200 and head.code != 101:
                head, rest = await protocol.read()
    except TimeoutError:
        raise httpx.ReadTimeout("no answer in time") from None
    if head.code == 101:
        raise httpx.RemoteProtocolError("the server speaks something else than HTTP from here on")
    body = _Body(connection, rest, limits.get("read"))
    return httpx.Response(head.code, headers=head.raw_headers, stream=body)


class _Body(httpx.AsyncByteStream):
    """The body as it arrives; closing it early ends the connection."""

    def __init__(self, connection: Connection, payload: StreamReader, seconds: float | None) -> None:
        self._connection, self._payload, self._seconds = connection, payload, seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while not self._payload.at_eof():
                # aiohttp waits for ever when what follows the first part of a body is not HTTP.
                async with asyncio.timeout(self._seconds):
                    part = await self._payload.readany()
                yield part
        except TimeoutError:
            raise httpx.ReadTimeout("the rest of the answer did not come in time") from None
        except _FROM_BELOW as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        self._connection.release()


@cache
def _connecting(seconds: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=seconds, sock_connect=seconds)


def _as_httpx(error: Exception) -> httpx.TransportError:
    return next(ours(str(error)) for theirs, ours in _ERRORS if isinstance(error, theirs))
