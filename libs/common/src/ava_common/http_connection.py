"""One connection to an HTTP/1.1 server: sends a request, parses the response with httptools.

Decision 0154.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import httptools
import httpx

_HEAD_LIMIT_BYTES = 64 * 1024
_BUFFER_LIMIT_BYTES = 256 * 1024
"""So much of a body waits to be read before the server is told to wait."""

Trace = Callable[[str, dict[str, Any]], Awaitable[None]]


class Connection(asyncio.Protocol):
    """A protocol and httptools' callbacks in one; one request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._writable: asyncio.Future[None] | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._free_since = 0.0
        self._busy = self._lost = self._paused = False
        self._failure: httpx.TransportError | None = None

    async def send(
        self, request: httpx.Request, head: bytes, trace: Trace | None, seconds: float | None
    ) -> None:
        """Write the head and the body of the request. Raises WriteTimeout or WriteError."""
        self._begin(request.method)
        if trace:
            await trace("http11.send_request_headers.started", {"request": request})
        async for chunk in request.stream:  # type: ignore[union-attr]
            await self._write(head + chunk, seconds)
            head = b""
        if head:
            await self._write(head, seconds)

    def _begin(self, method: str) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._busy, self._no_body = True, method == "HEAD"
        self._status, self._reason, self._headers = 0, b"", list[tuple[bytes, bytes]]()
        self._chunks, self._buffered, self._received = deque[bytes](), 0, 0
        self._has_head = self._complete = self._too_much = self._kept_alive = False

    async def _write(self, data: bytes, seconds: float | None) -> None:
        if self._lost or self._transport is None:
            raise httpx.WriteError("the connection is closed")
        self._transport.write(data)
        if self._writable is not None:
            try:
                async with asyncio.timeout(seconds):
                    await asyncio.shield(self._writable)
            except TimeoutError:
                raise httpx.WriteTimeout("the request could not be sent in time") from None

    async def head(self, seconds: float | None) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        """Status, reason and headers. Raises ReadTimeout, ReadError or RemoteProtocolError."""
        while not self._has_head:
            await self._more(seconds)
        return self._status, self._reason, self._headers

    async def chunk(self, seconds: float | None) -> bytes:
        """The next part of the body, empty at its end. Raises as `head` does."""
        while not self._chunks:
            if self._complete:
                return b""
            await self._more(seconds)
        found = b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._paused and self._transport:
            self._paused = False
            self._transport.resume_reading()
        return found

    async def _more(self, seconds: float | None) -> None:
        """Wait until something has arrived."""
        if self._failure:
            raise self._failure
        self._waiting = self._loop.create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._waiting
        except TimeoutError:
            raise httpx.ReadTimeout("no response in time") from None
        finally:
            self._waiting = None

    def is_fresh(self, seconds: float) -> bool:
        """Whether it may be used again: open, and idle for less than this."""
        return not self._lost and self._loop.time() - self._free_since < seconds

    def ends_clean(self) -> bool:
        """Whether the response was whole, with nothing after it, and the server keeps the connection."""
        clean = self._complete and not self._chunks and not self._too_much and not self._lost
        self._busy, self._free_since = False, self._loop.time()
        return clean and self._kept_alive

    def abort(self) -> None:
        """End it, whatever is under way."""
        self._busy = False
        if self._transport:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if not self._busy or self._complete:  # nobody asked for it
            self._too_much = True
            self.abort()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._too_much = True
            if not self._complete:
                self._fail(httpx.RemoteProtocolError(f"this is not HTTP: {type(error).__name__}"))
        if not self._has_head and self._received > _HEAD_LIMIT_BYTES:
            self._fail(httpx.RemoteProtocolError("the headers do not end"))
        if self._buffered > _BUFFER_LIMIT_BYTES and self._transport and not self._paused and self._busy:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self.resume_writing()
        if not self._busy or self._complete:
            return
        names = {name.lower() for name, _ in self._headers} if self._has_head else {b"content-length"}
        if error is None and names.isdisjoint((b"content-length", b"transfer-encoding")):
            self._complete = True  # it lasts until the server closes
            self._wake()
        elif error is None:
            self._fail(httpx.RemoteProtocolError("the connection was closed before the response ended"))
        else:
            self._fail(httpx.ReadError(str(error)))

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None

    def _fail(self, failure: httpx.TransportError) -> None:
        self._failure = self._failure or failure
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(self._failure)
        self.abort()

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self._complete:
            self._too_much = True  # a second response to one request

    def on_status(self, reason: bytes) -> None:
        self._reason = reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._complete:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self._status = self._parser.get_status_code()
        if self._status >= 200:
            self._has_head, self._kept_alive = True, self._parser.should_keep_alive()
            self._complete = self._no_body
        else:  # an interim response: the real one follows
            self._headers = []

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._chunks.append(body)
            self._buffered += len(body)

    def on_message_complete(self) -> None:
        self._complete = self._complete or self._has_head
