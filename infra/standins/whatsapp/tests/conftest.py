"""The simulator on a real port, and a small server that receives its webhooks and records them."""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ava_local.testing.waiting import eventually
from ava_whatsapp_simulator.app import create_app
from ava_whatsapp_simulator.settings import Settings

Json = dict[str, Any]
NUMBER_ID = "106540352242922"
ANNA = "+4915112345678"


class Receiver:
    """Answers every webhook with the next of `statuses`, else 200, but not before `answering` is set."""

    def __init__(self) -> None:
        self.statuses: deque[int] = deque()
        self.answering = asyncio.Event()
        self.answering.set()
        self.posts: list[tuple[httpx.Headers, bytes]] = []
        self.in_flight = self.max_in_flight = 0
        self.verified: list[dict[str, str]] = []
        self.connections: set[object] = set()

    async def webhook(self, request: Request) -> Response:
        if request.method == "GET":
            self.verified.append(dict(request.query_params))
            return Response(request.query_params["hub.challenge"], media_type="text/plain")
        self.connections.add(request.client)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self.posts.append((httpx.Headers(request.headers.raw), await request.body()))
        await self.answering.wait()
        self.in_flight -= 1
        status = self.statuses.popleft() if self.statuses else 200
        return Response(
            status_code=status, headers={"location": "/webhooks/whatsapp"} if status == 301 else None
        )

    def bodies(self) -> list[Json]:
        return [json.loads(body) for _, body in self.posts]

    def values(self, field: str = "messages") -> list[Json]:
        changes = [c for body in self.bodies() for entry in body["entry"] for c in entry["changes"]]
        return [change["value"] for change in changes if change["field"] == field]

    def items(self, kind: str = "messages", field: str = "messages") -> list[Json]:
        return [item for value in self.values(field) for item in value.get(kind, [])]


class Simulator:
    """The simulator seen from outside: over HTTP only."""

    number_id = NUMBER_ID

    def __init__(self, client: httpx.AsyncClient, receiver: Receiver) -> None:
        self.client = client
        self.receiver = receiver

    async def send_from_phone(self, number: str = ANNA, **message: Any) -> Json:
        answer = await self.client.post(f"/simulator/phones/{number}/messages", json={"wait": 60} | message)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

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
        return dict(answer.json())

    async def get(self, path: str, **query: Any) -> Json:
        answer = await self.client.get(f"/simulator{path}", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def post(self, path: str, **body: Any) -> Json:
        answer = await self.client.post(f"/simulator{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def received(self, number: str = ANNA) -> list[str]:
        return [m["text"] for m in (await self.get(f"/phones/{number}/received"))["messages"]]

    async def wait_until_idle(self) -> None:
        await eventually(self._is_idle)

    async def wait_for_in_flight(self, count: int) -> None:
        """Wait until `count` webhooks are in flight, and check that no more are."""
        await eventually(lambda: self.receiver.in_flight >= count)
        assert (await self.get("/pending"))["in_flight"] == self.receiver.in_flight == count

    async def statuses(self, count: int) -> list[Json]:
        await eventually(lambda: len(self.receiver.items("statuses")) >= count)
        await self.wait_until_idle()
        return self.receiver.items("statuses")

    async def _is_idle(self) -> bool:
        return not any((await self.get("/pending")).values())


@contextlib.asynccontextmanager
async def serving(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Without log_config, which would set up the loggers of the whole test process.
        quiet: Json = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 1}
        server = uvicorn.Server(uvicorn.Config(app, **quiet))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await eventually(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


class WebhookEndpoint:
    """The URL webhooks are posted to, which can be closed and opened again; `receiver` answers them."""

    def __init__(self, servers: contextlib.AsyncExitStack) -> None:
        self.receiver = Receiver()
        self._servers, self._port = servers, 0
        self._app = Starlette(routes=[Route("/webhooks/whatsapp", self._answer, methods=["GET", "POST"])])

    async def open(self) -> None:
        url = await self._servers.enter_async_context(serving(self._app, self._port))
        self._port = int(url.rsplit(":", 1)[1])
        self.url = f"{url}/webhooks/whatsapp"

    async def close(self) -> None:
        await self._servers.aclose()

    async def _answer(self, request: Request) -> Response:
        return await self.receiver.webhook(request)


@pytest.fixture(scope="session")
async def webhook_endpoint(processes: None) -> AsyncIterator[WebhookEndpoint]:
    async with contextlib.AsyncExitStack() as servers:
        endpoint = WebhookEndpoint(servers)
        await endpoint.open()
        yield endpoint


@pytest.fixture(scope="session")
async def simulator_http(webhook_endpoint: WebhookEndpoint) -> AsyncIterator[httpx.AsyncClient]:
    secrets = {"app_secret": "secret", "verify_token": "verify", "access_token": "token"}
    settings = Settings.model_validate({"webhook_url": webhook_endpoint.url, **secrets})
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=90) as client:
        yield client


@pytest.fixture
async def receiver(webhook_endpoint: WebhookEndpoint) -> Receiver:
    webhook_endpoint.receiver = Receiver()
    return webhook_endpoint.receiver


@pytest.fixture
async def simulator(simulator_http: httpx.AsyncClient, receiver: Receiver) -> AsyncIterator[Simulator]:
    simulator = Simulator(simulator_http, receiver)
    await simulator.post("/reset", seed=7)
    await simulator.change(delivery={"timeout": 90})  # only tests of the timeout have a short one
    yield simulator
    await simulator.post("/reset")
