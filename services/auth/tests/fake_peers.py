"""Fakes of profile and messaging, which auth asks for an export, as one real HTTP server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ava_local.ports import free_port
from ava_local.testing.waiting import eventually

MESSAGES = [b'{"id":"1","content":"hello"}\n', b'{"id":"2","content":"line\\nbreak"}\n']

OWN: dict[str, Any] = {
    "/profile/avatar": {"name": "Mira"},
    "/profile/preferences": {"whatsapp_phone": None},
    "/profile/whatsapp-identities": [{"number": "+4915112345678", "username": "mira.writes"}],
}


@dataclass
class FakePeers:
    """`tokens` are those they were asked with; the path `away` answers 503, or a page with the status
    `instead`; `broken` ends the log early; the path `ended` answers 401 with the problem `refusal`; the path
    `unknown` is not served, as by a service of an earlier release."""

    url: str = ""
    avatar: bool = True
    away: str = ""
    instead: int | None = None
    broken: bool = False
    ended: str = ""
    unknown: str = ""
    refusal: str = "account-gone"
    tokens: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        path = request.url.path
        if path == self.away and self.instead:
            return Response("<html>Back soon</html>", self.instead, media_type="text/html")
        if path == self.away:
            return JSONResponse({"title": "away"}, 503)
        if path == self.unknown:
            return JSONResponse({"type": "urn:ava:problem:not-found"}, 404)
        if path == self.ended:
            return JSONResponse({"type": f"urn:ava:problem:{self.refusal}"}, 401)
        if path == "/messages/export":
            return StreamingResponse(self._lines(), media_type="application/x-ndjson")
        if path == "/profile/avatar" and not self.avatar:
            return JSONResponse({"type": "urn:ava:problem:avatar-not-found"}, 404)
        return JSONResponse(OWN[path])

    async def _lines(self) -> AsyncIterator[bytes]:
        yield MESSAGES[0]
        if self.broken:
            raise ConnectionError
        yield MESSAGES[1]


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """The app as a real server; its URL."""
    port = free_port()
    # Without log_config, which would set up the loggers of the whole test process.
    quiet: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, port=port, **quiet))
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def running_peers() -> AsyncIterator[FakePeers]:
    peers = FakePeers()
    async with serving(Starlette(routes=[Route("/{path:path}", peers.answer)])) as peers.url:
        yield peers
