"""Answers hot requests where uvicorn parses them: without scope, task and events, and in one write.

Decision 0179. It is given to uvicorn by its setting `http`. All requests that are not usual, or have no fast
path, are uvicorn's and the framework's own affair.
"""

import asyncio
import time
from typing import Any

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ava_common import error_handlers
from ava_common.access_log import trace_of
from ava_common.fast_path import NOTHING_TO_SAY, Answer, Answering, FastPath, Service, Unusual, UsualRequest
from ava_common.log import log
from ava_common.problems import InternalError
from ava_common.tracing import Trace


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # What uvicorn has been told to do to every request, it does.
        is_plain = self.limit_concurrency is None and not self.root_path and self.ws_protocol_class is None
        self.service: Service | None = self.app_state.get("service") if is_plain else None
        self.cycle: Any = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over; the last request is told."""
        super().connection_lost(exc)
        self.cycle = None  # or each would keep the other, and a body, until the garbage collector comes

    def on_headers_complete(self) -> None:
        """The parser has read a request's head."""
        hot = self._hot_request()
        if hot is None:
            super().on_headers_complete()
        else:
            self.cycle = hot

    def _hot_request(self) -> "HotRequest | None":
        """None for a request that has no fast path, or is not usual."""
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self.service is None or is_answering or self.flow.write_paused:
            return None  # uvicorn lets pipelined requests and slow readers wait
        if self.expect_100_continue or b"#" in self.url or self.parser.get_http_version() != "1.1":
            return None
        target, _, query = self.url.partition(b"?")
        method, path = self.parser.get_method().decode(), target.decode("latin-1")
        found = self.service.fast_paths.find(method, path, self.headers)
        return HotRequest(self, self.service, found, path, query) if found else None

    def answer_by_the_framework(self, body: bytes) -> None:
        """Tell uvicorn now what it was not told of the request."""
        self.cycle = None
        super().on_headers_complete()
        if body:
            super().on_body(body)
        super().on_message_complete()


class HotRequest:
    """Stands where uvicorn has its RequestResponseCycle, and is told the same by its protocol."""

    __slots__ = (
        *("protocol", "service", "fast_path", "path", "query", "headers", "trace", "started", "has_begun"),
        *("body", "more_body", "keep_alive", "disconnected", "response_complete"),
    )

    def __init__(
        self, protocol: HttpProtocol, service: Service, fast_path: FastPath, path: str, query: bytes
    ) -> None:
        self.started = time.perf_counter()
        self.protocol, self.service, self.fast_path = protocol, service, fast_path
        self.path, self.query, self.headers, self.trace = path, query, protocol.headers, Trace()
        self.body, self.more_body, self.keep_alive = b"", True, protocol.parser.should_keep_alive()
        self.has_begun = self.disconnected = self.response_complete = False

    @property
    def message_event(self) -> "HotRequest":
        """What uvicorn sets when there is news."""
        return self

    def set(self) -> None:
        """There is more of the body, or all of it, or the client is gone."""
        if self.has_begun or (self.more_body and not self.disconnected):
            return
        self.has_begun = True
        with trace_of(self.headers) as self.trace:
            if self.disconnected:
                self._note(0)
            else:
                self._answer()

    def _answer(self) -> None:
        state = self.protocol.app_state
        try:
            answering = self.fast_path.answer(
                UsualRequest(self.path, self.query, self.headers, self.body, state)
            )
        except Unusual:
            self.protocol.answer_by_the_framework(self.body)
        except Exception as error:
            self._send_when_done(_problem(error, self.fast_path.method))
        else:
            self._send_when_done(answering)

    def _send_when_done(self, answering: Answering) -> None:
        if not isinstance(answering, asyncio.Future):
            tasks: set[asyncio.Task[Any]] = self.protocol.tasks  # that a stop waits for
            answering = self.protocol.loop.create_task(answering)
            tasks.add(answering)
            answering.add_done_callback(tasks.discard)
        answering.add_done_callback(self._send)

    def _send(self, future: "asyncio.Future[Answer | None]") -> None:
        method = self.fast_path.method
        if future.cancelled():  # by a stop that has waited long enough, and waits for no other task
            answer = _failed(asyncio.CancelledError(), method)
        elif error := future.exception():  # raised here, it and this frame would keep each other
            self._send_when_done(_problem(error, method))
            return
        else:
            answer = future.result() or NOTHING_TO_SAY
        self.response_complete, self.body = True, b""  # an idle connection keeps this object
        self._note(answer.status)
        if not self.protocol.transport.is_closing():
            self.protocol.transport.write(self._rendered(answer))
            if not self.keep_alive:
                self.protocol.transport.close()
            self.protocol.on_response_complete()

    def _rendered(self, answer: Answer) -> bytes:
        """As uvicorn renders it. What a name or a value consists of need not be checked: they are ours."""
        head = [STATUS_LINE[answer.status]]
        for headers in (self.protocol.server_state.default_headers, answer.headers):
            for name, value in headers:
                head += (name, b": ", value, b"\r\n")
        close = b"" if self.keep_alive else b"connection: close\r\n"
        head.append(b"x-request-id: %b\r\n%b\r\n" % (self.trace.request_id.encode(), close))
        head.append(answer.body)
        return b"".join(head)

    def _note(self, status: int) -> None:
        path = self.fast_path
        self.service.access_log.kind(path.method, path.path, status).note(self.started, self.trace)


async def _problem(error: BaseException, method: str) -> Answer:
    """The problem document for an exception, as around the framework."""
    response = await error_handlers.response_to(error) if isinstance(error, Exception) else None
    return _answer_of(response) if response else _failed(error, method)


def _failed(error: BaseException, method: str) -> Answer:
    log.error("request.failed", method=method, exc_info=error)
    return _answer_of(InternalError().response())


def _answer_of(response: Response) -> Answer:
    return Answer(response.status_code, response.raw_headers, bytes(response.body))
