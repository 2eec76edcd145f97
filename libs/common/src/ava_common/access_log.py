"""The access log: one line and one measurement per request, inside the request's trace."""

import time
from collections.abc import Awaitable, Iterable, Sequence
from functools import lru_cache
from http import HTTPStatus

from fastapi.routing import APIRoute
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ava_common.log import RequestLine, log
from ava_common.problems import InternalError
from ava_common.tracing import Trace, new_trace

_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_KINDS_MAX = 256

LATENCY = Histogram(
    "http_request_duration_seconds", "Time from request to last byte.", ["method", "route", "status"]
)


def begin_refusals_at_zero(routes: Iterable[APIRoute]) -> None:
    """Show every route that may refuse an attempt as one that has refused none.

    A burst between two scrapes is seen only as the growth of a series that was there before it.
    """
    for route in routes:
        if HTTPStatus.TOO_MANY_REQUESTS in route.responses:
            for method in route.methods or ():
                LATENCY.labels(method, route.path, int(HTTPStatus.TOO_MANY_REQUESTS))


class RequestKind:
    """What all requests of one method, route and status share, made once.

    The status of a request that was not answered is 0.
    """

    def __init__(self, method: str, route: str, status: int) -> None:
        self._latency = LATENCY.labels(method, route, status)
        self._line = None if route in _QUIET else RequestLine(method, route, status)

    def note(self, started: float, trace: Trace) -> None:
        """A request has ended that started then."""
        seconds = time.perf_counter() - started
        self._latency.observe(seconds)
        if self._line:
            self._line.write(seconds, trace)


class AccessLog:
    """ASGI middleware: trace in, `X-Request-Id` out; an uncaught exception becomes a 500 problem."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.kind = lru_cache(_KINDS_MAX)(RequestKind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started, status = time.perf_counter(), 0
        with trace_of(scope["headers"]) as trace:

            def with_id(message: Message) -> Awaitable[None]:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    # A copy: an endpoint may send the same message again and again.
                    ours = (b"x-request-id", trace.request_id.encode())
                    message = {**message, "headers": [*message.get("headers", ()), ours]}
                return send(message)

            try:
                await self.app(scope, receive, with_id)
            except Exception:
                log.exception("request.failed", method=scope["method"])
                if status:  # the answer had begun: only the broken connection can tell the caller
                    raise
                await InternalError().response()(scope, receive, with_id)
            finally:
                # A pattern, never a path that may hold ids; a route without parameters is its own pattern.
                plain = scope["path"] if scope.get("endpoint") and not scope.get("path_params") else None
                route = getattr(scope.get("route"), "path", None) or plain or "unmatched"
                self.kind(scope["method"], str(route), status).note(started, trace)


def trace_of(headers: Sequence[tuple[bytes, bytes]]) -> new_trace:
    """The trace of a request with these headers; of several with one name the first counts."""
    parent = request = b""
    for name, value in reversed(headers):
        if name == b"traceparent":
            parent = value
        elif name == b"x-request-id":
            request = value
    return new_trace(parent.decode("latin-1"), request.decode("latin-1"))
