"""A server between auth and Supabase Auth: it passes requests on, and lets things fail at a chosen moment."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .fake_peers import serving

METHODS = ["GET", "POST", "PUT", "DELETE"]
_OWN_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}


@dataclass
class InBetween:
    """`after` and `refused` are of requests by their beginning, such as `PUT /auth/v1/user`.

    What is in `after` is called when the answer of Supabase Auth is there; what is in `refused` never gets
    to it: it is answered with this error, once Supabase Auth has answered `until`. What is in `slow` is
    passed on after so many seconds.
    """

    http: httpx.AsyncClient
    url: str = ""
    after: dict[str, Callable[[], None]] = field(default_factory=dict)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    until: str = ""
    slow: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        name = f"{request.method} {request.url.path}"
        self.asked.append(name)
        if not self.until:
            for beginning, (status, code) in self.refused.items():
                if name.startswith(beginning):
                    return JSONResponse({"code": status, "error_code": code, "msg": "no"}, status)
        for beginning, seconds in self.slow.items():
            if name.startswith(beginning):
                await asyncio.sleep(seconds)
        answer = await self.http.request(
            request.method,
            request.url.path,
            params=request.query_params,
            content=await request.body(),
            headers={key: value for key, value in request.headers.items() if key not in _OWN_HEADERS},
        )
        self.answered.append(name)
        if self.until and name.startswith(self.until):
            self.until = ""
        for beginning, call in self.after.items():
            if name.startswith(beginning):
                call()
        kept = {key: value for key, value in answer.headers.items() if key not in _OWN_HEADERS}
        return Response(answer.content, answer.status_code, kept)


@asynccontextmanager
async def in_between(supabase_url: str) -> AsyncIterator[InBetween]:
    async with httpx.AsyncClient(base_url=supabase_url, timeout=60, trust_env=False) as http:
        between = InBetween(http)
        routes = [Route("/{path:path}", between.answer, methods=METHODS)]
        async with serving(Starlette(routes=routes)) as between.url:
            yield between
