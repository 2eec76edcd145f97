"""A simulator on a real port, and a small server that receives its webhooks and remembers them."""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ava_local.whatsapp_simulator.app import create_app
from ava_local.whatsapp_simulator.settings import Settings

Json = dict[str, Any]
NUMBER_ID = "106540352242922"
ANNA = "+4915112345678"


class Receiver:
    """Answers every webhook with the next of `statuses`, else 200; not before `answering` is set."""

    def __init__(self) -> None:
        self.statuses: deque[int] = deque()
        self.answering = asyncio.Event()
        self.answering.set()
        self.posts: list[tuple[httpx.Headers, bytes]] = []
        self.at_once = self.most_at_once = 0
        self.verified: list[dict[str, str]] = []

    async def webhook(self, request: Request) -> Response:
        if request.method == "GET":
            self.verified.append(dict(request.query_params))
            return Response(request.query_params["hub.challenge"], media_type="text/plain")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.posts.append((httpx.Headers(request.headers.raw), await request.body()))
        await self.answering.wait()
        self.at_once -= 1
        return Response(status_code=self.statuses.popleft() if self.statuses else 200)

    def bodies(self) -> list[Json]:
        return [json.loads(body) for _, body in self.posts]

    def values(self, field: str = "messages") -> list[Json]:
        changes = [c for body in self.bodies() for entry in body["entry"] for c in entry["changes"]]
        return [change["value"] for change in changes if change["field"] == field]

    def items(self, kind: str = "messages", field: str = "messages") -> list[Json]:
        return [item for value in self.values(field) for item in value.get(kind, [])]


class Platform:
    """The simulator seen from outside: over HTTP only."""

    number_id = NUMBER_ID

    def __init__(self, client: httpx.AsyncClient, receiver: Receiver) -> None:
        self.client = client
        self.receiver = receiver

    async def say(self, number: str = ANNA, **said: Any) -> Json:
        answer = await self.client.post(f"/simulator/phones/{number}/messages", json={"wait": 60} | said)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def send(
        self, text: str, to: str = ANNA, outbox_id: str | None = None, **more: Any
    ) -> httpx.Response:
        body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text}}
        if outbox_id is not None:
            body["biz_opaque_callback_data"] = outbox_id
        return await self.graph(body | more)

    async def graph(self, body: Any, number_id: str = NUMBER_ID) -> httpx.Response:
        headers = {"authorization": "Bearer token"}
        return await self.client.post(f"/v25.0/{number_id}/messages", json=body, headers=headers)

    async def change(self, **plan: Any) -> Json:
        answer = await self.client.patch("/simulator/plan", json=plan)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str, **query: Any) -> Json:
        answer = await self.client.get(f"/simulator{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> Json:
        answer = await self.client.post(f"/simulator{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def received(self, number: str = ANNA) -> list[str]:
        return [m["text"] for m in (await self.get(f"/phones/{number}/received"))["messages"]]

    async def quiet(self) -> None:
        await until(self._is_quiet)

    async def in_flight(self, count: int) -> None:
        """Until so many webhooks wait for their answer, and none of the others has been posted meanwhile."""
        await until(lambda: self.receiver.at_once >= count)
        assert (await self.get("/pending"))["in_flight"] == self.receiver.at_once == count

    async def statuses(self, count: int) -> list[Json]:
        await until(lambda: len(self.receiver.items("statuses")) >= count)
        await self.quiet()
        return self.receiver.items("statuses")

    async def _is_quiet(self) -> bool:
        return not any((await self.get("/pending")).values())


async def until(met: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until a condition, plain or awaitable, holds."""
    async with asyncio.timeout(seconds):
        while True:
            answer = met()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Without a log_config: it would set up the loggers of this whole process, other tests' included.
        quiet = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 1}
        server = uvicorn.Server(uvicorn.Config(app, **quiet))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


class Door:
    """The address webhooks go to, which can be shut and opened again; behind it sits the present receiver."""

    def __init__(self, stack: contextlib.AsyncExitStack) -> None:
        self.receiver = Receiver()
        self._stack, self._port = stack, 0
        self._app = Starlette(routes=[Route("/webhooks/whatsapp", self._answer, methods=["GET", "POST"])])

    async def open(self) -> None:
        url = await self._stack.enter_async_context(serving(self._app, self._port))
        self._port = int(url.rsplit(":", 1)[1])
        self.url = f"{url}/webhooks/whatsapp"

    async def shut(self) -> None:
        await self._stack.aclose()

    async def _answer(self, request: Request) -> Response:
        return await self.receiver.webhook(request)


@pytest.fixture(scope="session")
async def door() -> AsyncIterator[Door]:
    async with contextlib.AsyncExitStack() as stack:
        door = Door(stack)
        await door.open()
        yield door


@pytest.fixture(scope="session")
async def simulator(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        webhook_url=door.url, app_secret="secret", verify_token="verify", access_token="token"
    )
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=90) as client:
        yield client


@pytest.fixture
async def receiver(door: Door) -> Receiver:
    door.receiver = Receiver()
    return door.receiver


@pytest.fixture
async def platform(simulator: httpx.AsyncClient, receiver: Receiver) -> AsyncIterator[Platform]:
    platform = Platform(simulator, receiver)
    await platform.post("/reset", seed=7)
    yield platform
    await platform.post("/reset")
