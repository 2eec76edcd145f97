"""A way around the framework's layers for hot routes: the same answers at a fraction of the price.

Decisions 0155, which routes have one and what keeps both ways equal, and 0164.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ava_common import error_handlers
from ava_common.access_log import AccessLog

Answer = Callable[[Scope, Receive, Send], Awaitable[None]]
_JSON = (b"content-type", b"application/json")
_CHECKED = {b"if-match", b"idempotency-key"}
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""Ours are the access log's (decision 0092): the framework need not look for another at each request."""


class Unusual(Exception):
    """Nothing was answered: the framework has to look at this request. `body` was read already."""

    def __init__(self, body: bytes | None = None) -> None:
        super().__init__("the framework answers this request")
        self.body = body


class FastPath:
    """The usual requests of one route; `answer` raises Unusual for all others, and problems as usual."""

    def __init__(self, method: str, path: str, answer: Answer) -> None:
        self.method, self.path, self.answer = method, path, answer
        self.regex, _, _ = compile_path(path)


class FastPaths:
    """ASGI application just inside the access log: asks a request's fast path first."""

    def __init__(self, app: ASGIApp, paths: Sequence[FastPath]) -> None:
        self.app = app
        self._fixed: dict[tuple[str | None, str | None], FastPath] = {
            (path.method, path.path): path for path in paths if "{" not in path.path
        }
        self._paths: dict[str | None, list[FastPath]] = {}
        for path in paths:
            self._paths.setdefault(path.method, []).append(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._fixed.get((scope.get("method"), scope.get("path"))) or self._matching(scope)
        if found is None:
            return await self.app(scope, receive, send)
        scope["route"] = found
        try:
            await found.answer(scope, receive, send)
        except Unusual as unusual:
            await self.app(scope, _from(unusual.body, receive), send)
        except Exception as error:
            response = await error_handlers.response_to(error)
            if response is None:
                raise
            await response(scope, receive, send)

    def _matching(self, scope: Scope) -> FastPath | None:
        for path in self._paths.get(scope.get("method"), ()):
            if path.regex.fullmatch(scope["path"]):  # `$` would pass a line break
                return path
        return None


class Service(FastAPI):
    """The framework inside of the access log and the fast paths: what they answer passes no layer of it."""

    def __init__(self, paths: Sequence[FastPath], **options: Any) -> None:
        super().__init__(telemetry=_NO_TELEMETRY, **options)
        self.add_exception_handler(Exception, _left_to_the_access_log)
        self._served = AccessLog(FastPaths(super().__call__, paths))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._served(scope, receive, send)


async def _left_to_the_access_log(_: Request, error: Exception) -> Response:
    """The framework's outermost layer has its own words for an uncaught exception; ours are a problem."""
    raise error


def _from(body: bytes | None, receive: Receive) -> Receive:
    """What receives this body once more."""
    if body is None:
        return receive
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def bearer_token(scope: Scope) -> str:
    """The access token of the request. Raises Unusual for none, several, or another scheme."""
    sent = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(sent) != 1 or not sent[0].startswith(b"Bearer "):
        raise Unusual
    token: str = sent[0][7:].decode("latin-1").strip()
    return token


def header(scope: Scope, name: bytes) -> str | None:
    """The value of this header, None without one. Raises Unusual for several."""
    sent: list[bytes] = [value for sent_name, value in scope["headers"] if sent_name == name]
    if len(sent) > 1:
        raise Unusual
    return sent[0].decode("latin-1") if sent else None


def refuse_more_than(scope: Scope, content_type: bytes, *known: bytes) -> None:
    """Raises Unusual for a query, a header that the framework checks, or a body of another type.

    `known` are headers that the fast path checks itself.
    """
    names = {name for name, _ in scope["headers"]}.difference(known)
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    if scope["query_string"] or names & _CHECKED or types != [content_type]:
        raise Unusual


async def whole_body(receive: Receive) -> bytes:
    """The body of the request. Raises Unusual when the client is gone."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unusual(b"".join(chunks))
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def send_json(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """A whole response."""
    length = (b"content-length", str(len(body)).encode())
    start: dict[str, Any] = {"status": status, "headers": [*headers, length, _JSON]}
    await send({"type": "http.response.start", **start})
    await send({"type": "http.response.body", "body": body})
