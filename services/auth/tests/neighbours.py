"""Profile and messaging as a real HTTP server on loopback: what auth's export asks them."""

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

from ava_local.postgres import free_port

MESSAGES = [b'{"id":"1","content":"hello"}\n', b'{"id":"2","content":"line\\nbreak"}\n']


@dataclass
class Neighbours:
    """`tokens` are the ones they were asked with; `broken` makes the messages end in the middle."""

    url: str = ""
    avatar: bool = True
    away: str = ""
    broken: bool = False
    tokens: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        path = request.url.path
        if path == self.away:
            return JSONResponse({"title": "away"}, 503)
        if path == "/messages/export":
            return StreamingResponse(self._lines(), media_type="application/x-ndjson")
        if path == "/profile/avatar" and not self.avatar:
            return JSONResponse({"title": "none"}, 404)
        return JSONResponse({"name": "Mira"} if path == "/profile/avatar" else {"whatsapp_phone": None})

    async def _lines(self) -> AsyncIterator[bytes]:
        yield MESSAGES[0]
        if self.broken:
            raise ConnectionError
        yield MESSAGES[1]


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """The app as a real server; its address."""
    port = free_port()
    # Without a log_config: it would set up the loggers of this whole process, other tests' included.
    quiet: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, port=port, **quiet))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn offers no event)
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def running_neighbours() -> AsyncIterator[Neighbours]:
    neighbours = Neighbours()
    async with serving(Starlette(routes=[Route("/{path:path}", neighbours.answer)])) as neighbours.url:
        yield neighbours
