"""A hot route is described like every other, and none of the framework runs around its handler."""

from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from ava_common.error_handlers import HANDLERS
from ava_common.plain_asgi_route import PlainAsgiRoute
from ava_common.problems import NotFound, responses
from ava_common.resource_methods import ResourceMethods

received: list[Any] = []


async def pour(scope: Any, receive: Any, send: Any) -> None:
    """Pours a cup."""
    if b"empty" in scope["query_string"]:
        raise NotFound
    received.append(scope["route"].path)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def app() -> FastAPI:
    plain = APIRouter(prefix="/kitchen")

    @plain.get("/cups")
    async def cups() -> list[str]:
        return []

    made = FastAPI(exception_handlers=HANDLERS)
    hot = PlainAsgiRoute("/kitchen/cups", pour, methods=["POST"], responses=responses(NotFound))
    made.router.routes.append(hot)
    made.include_router(plain)
    made.state.methods = ResourceMethods([plain], [hot])
    return made


async def ask(app: FastAPI, method: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kitchen") as client:
        return await client.request(method, path, content=b"not JSON")


async def test_the_handler_answers_by_itself(app: FastAPI) -> None:
    answer = await ask(app, "POST", "/kitchen/cups")
    assert (answer.status_code, answer.text) == (200, "ok")
    assert received[-1] == "/kitchen/cups"


async def test_a_problem_it_raises_is_a_problem_document(app: FastAPI) -> None:
    answer = await ask(app, "POST", "/kitchen/cups?empty")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:ava:problem:not-found"


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("PUT", 405)])
async def test_other_methods_of_the_same_path_are_answered_by_others(
    app: FastAPI, method: str, status: int
) -> None:
    assert (await ask(app, method, "/kitchen/cups")).status_code == status


def test_it_is_described_like_every_other_route(app: FastAPI) -> None:
    operation = app.openapi()["paths"]["/kitchen/cups"]["post"]
    assert operation["description"] == "Pours a cup."
    assert operation["operationId"] == "pour_kitchen_cups_post"
    assert "404" in operation["responses"]
