"""A service with fast paths, to be asked through any server: `uvicorn --factory cups_service:build`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel

from ava_common.app_factory import create_service_app
from ava_common.fast_path import Answer, Answering, FastPath, Unusual, UsualRequest, json_answer
from ava_common.health import Finding
from ava_common.problems import NotFound

LARGE = 300_000

router = APIRouter(prefix="/cups")


class Cup(BaseModel):
    name: str


class Kitchen:
    """What the requests of one application wait for, and how many its fast paths have seen."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.seen = 0


@router.post("")
async def pour(cup: Cup) -> dict[str, str]:
    return {"name": cup.name}


@router.put("/{number:int}")
async def put(number: int, cup: Cup) -> dict[str, Any]:
    return {"number": number, "by": "the framework", "name": cup.name}


@router.get("")
async def look(name: str = "") -> Response:
    return Response(orjson.dumps({"name": name}), media_type="application/json")


@router.get("/way")
async def way() -> dict[str, str]:
    return {"way": "the framework"}


def fast_pour(request: UsualRequest) -> Answering:
    """The body says what happens; JSON that is a cup is usual, all else the framework's affair."""
    kitchen: Kitchen = request.state["resources"]
    kitchen.seen += 1
    if request.body in (b"missing", b"broken"):
        raise NotFound if request.body == b"missing" else ZeroDivisionError
    if request.body in (b"missing later", b"broken later", b"slow", b"large"):
        return _later(request.body, kitchen)
    if request.body == b"nothing":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done
    if not request.body.startswith(b'{"name":"fast'):
        raise Unusual
    return _json(request.body)


async def _later(what: bytes, kitchen: Kitchen) -> Answer:
    if what == b"large":
        return json_answer(200, b'"%s"' % (b"x" * LARGE))
    if what == b"slow":
        await kitchen.is_open.wait()
        return json_answer(200, b'"slow"')
    raise NotFound if what == b"missing later" else ZeroDivisionError


async def _json(body: bytes) -> Answer:
    return json_answer(200, orjson.dumps(orjson.loads(body)))


def fast_put(request: UsualRequest) -> Answering:
    number = int(request.path.rpartition("/")[2])
    return _json(b'{"number":%d,"by":"the fast path","name":"fast"}' % number)


def fast_look(request: UsualRequest) -> Answering:
    if not request.query.startswith(b"name=fast"):
        raise Unusual
    return _json(b'{"name":"%s"}' % request.query[5:])


def fast_way(_: UsualRequest) -> Answering:
    """An ASGI application runs in a task."""
    return _json(b'{"way":"%s"}' % (b"ASGI" if asyncio.current_task() else b"the protocol"))


def build() -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def resources() -> AsyncIterator[Kitchen]:
        yield Kitchen()

    async def ready(_: Kitchen) -> list[Finding]:
        return []

    return create_service_app(
        "Cups",
        prefix="/cups",
        open_resources=resources,
        routers=[router],
        ready=ready,
        fast_paths=[
            FastPath("POST", "/cups", fast_pour),
            FastPath("PUT", "/cups/{number:int}", fast_put),
            FastPath("GET", "/cups", fast_look),
            FastPath("GET", "/cups/way", fast_way),
        ],
    )
