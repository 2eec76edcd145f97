"""aiohttp under httpx, for calls to a peer: httpx's types and errors around what aiohttp does.

Decision 0154.
"""

import ssl
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import cache

import aiohttp
import httpx
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace
from multidict import CIMultiDict
from yarl import URL

_HEADER_LIMIT_BYTES = 32 * 1024
_FROM_BELOW = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.SocketTimeoutError, httpx.ReadTimeout),
    (TimeoutError, httpx.WriteTimeout),  # aiohttp knows no limit for writing; that of reading strikes before
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (OSError, httpx.ReadError),
    (aiohttp.ClientPayloadError, httpx.ReadError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (ValueError, httpx.LocalProtocolError),
    (Exception, httpx.RemoteProtocolError),
)
"""The first that fits says what httpx calls it."""
_asked: ContextVar[httpx.Request] = ContextVar("_asked")


class PeerTransport(httpx.AsyncBaseTransport):
    """Neither cookies, proxies nor redirects; no call is repeated here. Its errors are httpx's own."""

    def __init__(self, tls: ssl.SSLContext, keepalive_seconds: float) -> None:
        self._session = aiohttp.ClientSession(
            connector=_Connector(ssl=tls, keepalive_timeout=keepalive_seconds, use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            response_class=_Response,
            auto_decompress=False,
            max_line_size=_HEADER_LIMIT_BYTES,
            max_field_size=_HEADER_LIMIT_BYTES,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx calls this for every request."""
        _asked.set(request)
        url, extensions = request.url, request.extensions
        target = extensions.get("target") or url.raw_path
        try:
            said = [(name.decode("ascii"), value.decode("ascii")) for name, value in request.headers.raw]
            response = await self._session.request(
                request.method,
                URL(f"{url.scheme}://{(url.netloc + target).decode('ascii')}", encoded=True),
                headers=CIMultiDict(said),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=_timeout(**extensions.get("timeout", {})),
            )
        except _FROM_BELOW as error:
            raise _as_httpx(error) from error
        if response.status < 200:
            response.close()
            raise httpx.RemoteProtocolError("the server speaks something else than HTTP from here on")
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def aclose(self) -> None:
        await self._session.close()


class _Body(httpx.AsyncByteStream):
    """The body as it arrives; closing it early ends the connection."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while chunk := await self._response.content.readany():
                yield chunk
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except _FROM_BELOW as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        self._response.release()


class _Connector(aiohttp.TCPConnector):
    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> Connection:
        """aiohttp calls this before it writes."""
        connection = await super().connect(req, traces, timeout)
        if _spoke_unasked(connection):
            connection.close()
            connection = await super().connect(req, traces, timeout)
        try:
            if _spoke_unasked(connection):
                raise httpx.RemoteProtocolError("the server spoke before it was asked")
            request = _asked.get()
            if trace := request.extensions.get("trace"):
                for part in ("headers", "body"):  # aiohttp writes both from here on
                    await trace(f"http11.send_request_{part}.started", {"request": request})
        except BaseException:
            connection.close()
            raise
        return connection


def _spoke_unasked(connection: Connection) -> bool:
    return connection.protocol is None or connection.protocol.should_close


class _Response(aiohttp.ClientResponse):
    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """aiohttp sends a GET or PUT once more after some of its own errors; httpx's are not among them."""
        try:
            return await super().start(connection)
        except _FROM_BELOW as error:
            raise _as_httpx(error) from error


@cache
def _timeout(
    connect: float | None = None,
    read: float | None = None,
    write: float | None = None,
    pool: float | None = None,
) -> aiohttp.ClientTimeout:
    whole = connect + read + write if connect and read and write else None
    return aiohttp.ClientTimeout(total=whole, connect=pool, sock_connect=connect, sock_read=read)


def _as_httpx(error: Exception) -> httpx.TransportError:
    return next(ours(str(error)) for theirs, ours in _ERRORS if isinstance(error, theirs))
