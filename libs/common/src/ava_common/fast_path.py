"""A way around the framework's layers for hot routes: the same answers at a fraction of the price.

Decisions 0155, which routes have one and what keeps both ways equal, 0164, and 0179, how one is written.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ava_common import error_handlers
from ava_common.access_log import AccessLog

BODY_MAX_BYTES = 65_536
"""Of a usual request: uvicorn reads no further before that much is taken."""

_CHECKED = {b"if-match", b"idempotency-key"}
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""Ours are the access log's (decision 0092): the framework need not look for another at each request."""


class Unusual(Exception):
    """Nothing was answered: the framework has to look at this request."""


class UsualRequest(NamedTuple):
    """A whole request, as it was sent; names of headers in lower case. `state` is the application's."""

    path: str
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    state: Mapping[str, Any]


class Answer(NamedTuple):
    """A whole answer: the headers say how long it is."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes = b""


NOTHING_TO_SAY = Answer(200, ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")))
"""Done: what a client gets when the result is None."""

Answering: TypeAlias = "Coroutine[Any, Any, Answer] | asyncio.Future[Any]"
"""What comes to be an Answer, or None. A future needs no task of its own."""


class FastPath:
    """The usual requests of one route.

    `answer` raises Unusual at once or never, so it is not a coroutine; it and what it returns raise problems.
    """

    def __init__(self, method: str, path: str, answer: Callable[[UsualRequest], Answering]) -> None:
        self.method, self.path, self.answer = method, path, answer
        self.regex, _, _ = compile_path(path)


class FastPaths:
    """ASGI application just inside the access log: asks a request's fast path first.

    `http_protocol` asks it itself, before there is an ASGI request.
    """

    def __init__(self, app: ASGIApp, paths: Sequence[FastPath]) -> None:
        self.app = app
        self._fixed: dict[tuple[str | None, str | None], FastPath] = {
            (path.method, path.path): path for path in paths if "{" not in path.path
        }
        self._paths: dict[str | None, list[FastPath]] = {}
        for path in paths:
            self._paths.setdefault(path.method, []).append(path)

    def find(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> FastPath | None:
        """The fast path of this request; none for a body that is large, or whose length is not known."""
        found = self._fixed.get((method, path)) or self._matching(method, path)
        for name, value in headers if found else ():
            if name == b"transfer-encoding" or (name == b"content-length" and int(value) > BODY_MAX_BYTES):
                return None
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_request = scope["type"] == "http"
        found = self.find(scope["method"], scope["path"], scope["headers"]) if is_request else None
        if found is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = found
        if (body := await _whole_body(receive)) is None:
            return
        try:
            answer = await found.answer(
                UsualRequest(scope["path"], scope["query_string"], scope["headers"], body, scope["state"])
            )
        except Unusual:
            await self.app(scope, _from(body, receive), send)
        except Exception as error:
            response = await error_handlers.response_to(error)
            if response is None:
                raise
            await response(scope, receive, send)
        else:
            await send_answer(send, answer or NOTHING_TO_SAY)

    def _matching(self, method: str, path: str) -> FastPath | None:
        for fast_path in self._paths.get(method, ()):
            if fast_path.regex.fullmatch(path):  # `$` would pass a line break
                return fast_path
        return None


class Service(FastAPI):
    """The framework inside of the access log and the fast paths: what they answer passes no layer of it."""

    def __init__(self, paths: Sequence[FastPath], **options: Any) -> None:
        super().__init__(telemetry=_NO_TELEMETRY, **options)
        self.add_exception_handler(Exception, _left_to_the_access_log)
        self.fast_paths = FastPaths(super().__call__, paths)
        self.access_log = AccessLog(self.fast_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.access_log(scope, receive, send)


async def _left_to_the_access_log(_: Request, error: Exception) -> Response:
    """The framework's outermost layer has its own words for an uncaught exception; ours are a problem."""
    raise error


def _from(body: bytes, receive: Receive) -> Receive:
    """What receives this body once more."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _whole_body(receive: Receive) -> bytes | None:
    """None when the client is gone."""
    chunks: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
    return None


def bearer_token(request: UsualRequest) -> str:
    """The access token of the request. Raises Unusual for none, several, or another scheme."""
    sent = [value for name, value in request.headers if name == b"authorization"]
    if len(sent) != 1 or not sent[0].startswith(b"Bearer "):
        raise Unusual
    return sent[0][7:].decode("latin-1").strip()


def header(request: UsualRequest, name: bytes) -> str | None:
    """The value of this header, None without one. Raises Unusual for several."""
    sent = [value for sent_name, value in request.headers if sent_name == name]
    if len(sent) > 1:
        raise Unusual
    return sent[0].decode("latin-1") if sent else None


def refuse_more_than(request: UsualRequest, content_type: bytes, *known: bytes) -> None:
    """Raises Unusual for a query, a header that the framework checks, or a body of another type.

    `known` are headers that the fast path checks itself.
    """
    names = {name for name, _ in request.headers}.difference(known)
    types = [value for name, value in request.headers if name == b"content-type"]
    if request.query or names & _CHECKED or types != [content_type]:
        raise Unusual


def json_answer(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """A JSON document as an answer."""
    length = (b"content-length", b"%d" % len(body))
    return Answer(status, (*headers, length, (b"content-type", b"application/json")), body)


async def send_answer(send: Send, answer: Answer) -> None:
    """The answer as a whole response."""
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})
