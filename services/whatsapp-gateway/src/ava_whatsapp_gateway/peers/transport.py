"""aiohttp under httpx, for calls to a peer: what httpx promises and `httpx-aiohttp` does not.

Decision 0154.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import partial
from typing import Any

import aiohttp
import httpx
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from httpx_aiohttp import AiohttpTransport

_HEADER_LIMIT_BYTES = 32 * 1024
_FROM_BELOW = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (OSError, httpx.ReadError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (ValueError, httpx.LocalProtocolError),
    (Exception, httpx.RemoteProtocolError),
)
"""The first that fits says what httpx calls it."""
_asked: ContextVar[httpx.Request] = ContextVar("_asked")


class PeerTransport(AiohttpTransport):
    """Neither cookies, proxies nor redirects; no call is repeated here. Its errors are httpx's own."""

    def __init__(self, tls: ssl.SSLContext, keepalive_seconds: float) -> None:
        super().__init__(verify=tls, client=partial(_session, tls, keepalive_seconds))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx calls this for every request."""
        _asked.set(request)
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        steps = [limits.get(step) for step in ("connect", "write", "read")]
        try:
            # aiohttp knows no time limit for writing; the other steps have their own, which strike before.
            async with asyncio.timeout(sum(one or 0 for one in steps) if all(steps) else None):
                response = await super().handle_async_request(request)
        except TimeoutError:
            raise httpx.WriteTimeout("the request could not be sent in time") from None
        except _FROM_BELOW as error:
            raise _as_httpx(error) from error
        response.stream = _Body(response.stream, limits.get("read"))
        if response.status_code < 200:
            await response.aclose()
            raise httpx.RemoteProtocolError("the server speaks something else than HTTP from here on")
        return response


class _Body(httpx.AsyncByteStream):
    """The body as it arrives; closing it early ends the connection."""

    def __init__(self, stream: Any, seconds: float | None) -> None:
        self._stream, self._seconds = stream, seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._stream)
        try:
            while True:
                # aiohttp waits for ever when what follows the first part of a body is not HTTP.
                async with asyncio.timeout(self._seconds):
                    chunk = await anext(chunks, b"")
                if not chunk:
                    return
                yield chunk
        except _FROM_BELOW as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


def _session(tls: ssl.SSLContext, keepalive_seconds: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, keepalive_timeout=keepalive_seconds, use_dns_cache=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        request_class=_Request,
        middlewares=(_once,),
        max_line_size=_HEADER_LIMIT_BYTES,
        max_field_size=_HEADER_LIMIT_BYTES,
    )


class _SpokeUnasked(aiohttp.ClientError):
    """The server sent something on this connection before it was asked."""


class _Request(aiohttp.ClientRequest):
    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """aiohttp calls this once it has a connection, before it writes."""
        if conn.protocol is None or conn.protocol.should_close:
            raise _SpokeUnasked
        request = _asked.get()
        if trace := request.extensions.get("trace"):
            for part in ("headers", "body"):  # aiohttp writes both from here on
                await trace(f"http11.send_request_{part}.started", {"request": request})
        return await super().send(conn)


async def _once(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a GET or PUT once more after some of its own errors; httpx's are not among them."""
    try:
        try:
            response = await ask(request)
        except _SpokeUnasked:  # that connection is closed, and nothing was sent
            response = await ask(request)
    except _FROM_BELOW as error:
        raise _as_httpx(error) from error
    response.reason = None  # it may be no text, and httpx knows what a status is called
    return response


def _as_httpx(error: Exception) -> httpx.TransportError:
    return next(ours(str(error)) for theirs, ours in _ERRORS if isinstance(error, theirs))
