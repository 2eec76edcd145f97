"""HEAD is answered wherever GET is, and a 405 lists what every route at that address supports."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI, Header, Response
from starlette.types import Receive, Scope, Send

from ava_common.app_factory import create_service_app
from ava_common.health import Finding
from ava_common.plain_asgi_route import PlainAsgiRoute
from ava_local.testing.running_app import client_of_started

router = APIRouter(prefix="/cups")
ID = UUID("0193b2a4-7c1e-7d3a-9f00-5a1c2b3d4e5f")


@router.post("", status_code=201)
async def make() -> str:
    return "made"


@router.get("")
async def list_all(response: Response) -> list[str]:
    response.headers["X-Cups"] = "2"
    return ["red", "blue"]


@router.get("/{cup:uuid}")
async def read(cup: UUID) -> str:
    return str(cup)


@router.put("/{cup:uuid}")
async def replace(cup: UUID, if_match: Annotated[str | None, Header()] = None) -> str | None:
    return if_match


@router.delete("/{cup:uuid}", status_code=204, response_class=Response)
async def smash(cup: UUID) -> None: ...


async def pour(scope: Scope, receive: Receive, send: Send) -> None:
    """Pours, without the framework."""
    await Response("poured")(scope, receive, send)


def app(*, is_hot: bool = False) -> FastAPI:
    @asynccontextmanager
    async def resources() -> AsyncIterator[None]:
        yield

    async def ready(_: None) -> list[Finding]:
        return []

    hot = [PlainAsgiRoute("/cups/tea", pour, methods=["POST"])] if is_hot else []
    return create_service_app(
        "Cups", prefix="/cups", open_resources=resources, routers=[router], ready=ready, hot_routes=hot
    )


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of_started(app()) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/cups", "GET, HEAD, POST"),
        ("DELETE", "/cups", "GET, HEAD, POST"),
        ("OPTIONS", "/cups", "GET, HEAD, POST"),
        ("POST", f"/cups/{ID}", "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", f"/cups/{ID}", "DELETE, GET, HEAD, PUT"),
        ("PUT", "/healthz", "GET, HEAD"),
        ("POST", "/cups/openapi.json", "GET, HEAD"),
    ],
)
async def test_allow_lists_the_methods_of_the_address(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert method == "HEAD" or "Allow header lists" in answer.json()["detail"]


async def test_allow_of_a_hot_route_too() -> None:
    async with client_of_started(app(is_hot=True)) as client:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = await client.request(method, "/cups/tea")
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/cups", f"/cups/{ID}", "/healthz", "/cups/openapi.json"])
async def test_head_has_the_status_and_headers_of_get(client: httpx.AsyncClient, path: str) -> None:
    get, head = await client.get(path), await client.head(path)
    varying = {"x-request-id"}
    assert head.status_code == get.status_code == 200
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in get.headers.items() if k not in varying
    }


@pytest.mark.usefixtures("processes")
async def test_head_sends_no_body_over_a_connection() -> None:
    server = uvicorn.Server(uvicorn.Config(app(), port=0, log_config=None))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HEAD /cups HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    finally:
        server.should_exit = True
        await serving
    assert head.startswith(b"HTTP/1.1 200")
    assert b"x-cups: 2" in head
    assert body == b""


def test_head_is_not_described_twice() -> None:
    described = app().openapi()["paths"]
    assert {method for path in described.values() for method in path} == {"get", "post", "put", "delete"}


async def test_if_match_is_refused_where_nothing_compares_it(client: httpx.AsyncClient) -> None:
    condition = {"If-Match": '"bogus"'}
    compared = await client.put(f"/cups/{ID}", headers=condition)
    assert (compared.status_code, compared.json()) == (200, '"bogus"')
    for method, path in (("DELETE", f"/cups/{ID}"), ("POST", "/cups")):
        refused = await client.request(method, path, headers=condition)
        assert refused.status_code == 412, (method, path)
        assert refused.json()["type"] == "urn:ava:problem:condition-not-supported"
    assert (await client.get("/cups", headers=condition)).status_code == 200
    assert (await client.put("/nowhere", headers=condition)).status_code == 404


@pytest.mark.parametrize(
    ("query", "repeated"),
    [
        ("a=1&a=2", ["query:a"]),
        ("a=1&b=2&a=&b", ["query:a", "query:b"]),
        ("a=1&%61=2", ["query:a"]),
        ("a=1&b=1", []),
        ("a=1%26a=2", []),
        ("", []),
    ],
)
async def test_a_parameter_given_twice_is_named(
    client: httpx.AsyncClient, query: str, repeated: list[str]
) -> None:
    answer = await client.get(f"/cups?{query}")
    assert answer.status_code == (422 if repeated else 200)
    errors = answer.json()["errors"] if repeated else []
    assert [error["pointer"] for error in errors] == repeated
    assert all(error["detail"] == "must be given once" for error in errors)
