"""A fast path answers the usual request; the framework answers all others as if there were none."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from ava_common.app_factory import create_service_app
from ava_common.fast_path import FastPath, Unusual, send_json, whole_body
from ava_common.health import Finding
from ava_common.problems import NotFound

router = APIRouter(prefix="/cups")


class Cup(BaseModel):
    name: str


@router.put("/{number:int}")
async def put(number: int, cup: Cup) -> dict[str, str]:
    return {"by": "the framework", "name": cup.name}


async def fast(scope: Any, receive: Any, send: Any) -> None:
    body = await whole_body(receive)
    if body == b"missing":
        raise NotFound
    if body == b"broken":
        raise ZeroDivisionError
    if not body.startswith(b'{"name":"fast'):
        raise Unusual(body)
    by = b"the framework" if "app" in scope else b"the fast path"  # its outermost layer sets this
    await send_json(send, 200, b'{"by":"%s"}' % by)


@asynccontextmanager
async def resources() -> AsyncIterator[Mapping[str, Any]]:
    yield {}


async def ready(_: Mapping[str, Any]) -> list[Finding]:
    return []


@pytest.fixture
def app() -> FastAPI:
    path = FastPath("PUT", "/cups/{number:int}", fast)
    return create_service_app(
        "Cups", prefix="/cups", open_resources=resources, routers=[router], ready=ready, fast_paths=[path]
    )


async def ask(app: FastAPI, body: bytes, method: str = "PUT", path: str = "/cups/1") -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://cups") as client:
        return await client.request(method, path, content=body, headers={"Content-Type": "application/json"})


async def test_the_usual_request_is_answered_by_the_fast_path_and_passes_no_layer_of_the_framework(
    app: FastAPI,
) -> None:
    answer = await ask(app, b'{"name":"fast"}')
    assert answer.json() == {"by": "the fast path"}
    assert answer.headers["x-request-id"]


async def test_an_unusual_one_is_answered_by_the_framework_with_the_same_body(app: FastAPI) -> None:
    assert (await ask(app, b'{"name":"slow"}')).json() == {"by": "the framework", "name": "slow"}
    assert (await ask(app, b'{"name":1}')).json()["errors"][0]["pointer"] == "#/name"


async def test_a_problem_of_a_fast_path_is_a_problem_document(app: FastAPI) -> None:
    answer = await ask(app, b"missing")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:ava:problem:not-found")
    answer = await ask(app, b"broken")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:ava:problem:internal-error")


async def test_other_methods_and_paths_do_not_take_it(app: FastAPI) -> None:
    assert (await ask(app, b'{"name":"fast"}', "GET")).status_code == 405
    assert (await ask(app, b'{"name":"fast"}', path="/cups/one")).status_code == 404


async def test_the_access_log_names_the_route(app: FastAPI, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("fast", "slow"):
        await ask(app, b'{"name":"%s"}' % name.encode())
    await asyncio.sleep(0)  # lines go out at the end of a turn
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["route"] for line in lines] == ["/cups/{number:int}"] * 2
