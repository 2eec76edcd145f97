"""Make a room: FastAPI with problems, health, metrics, traces and its OpenAPI under its own path."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ava_common import database
from ava_common.access import Access
from ava_common.log import configure, log
from ava_common.problems import (
    SCHEMA,
    DatabaseAway,
    InternalError,
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
    Problem,
    responses,
)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]
Ready = Callable[[Any], Awaitable[Mapping[str, bool]]]


class NotReady(Problem):
    """This room is not ready. `errors` names what it is waiting for."""

    status = 503


def service(
    title: str,
    *,
    prefix: str,
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    ready: Ready,
    level: str = "INFO",
) -> FastAPI:
    """The room's application; `ready` is given `request.state` and answers {"what is needed": is there}."""
    configure(title, level)
    app = FastAPI(
        title=title,
        lifespan=_settled(lifespan),
        openapi_url=f"{prefix}/openapi.json",
        docs_url=f"{prefix}/docs",
        redoc_url=None,
        responses=responses(MalformedJson, InvalidRequest),
        exception_handlers=_HANDLERS,
    )
    app.add_middleware(Access)
    app.include_router(_operations(ready))
    for router in routers:
        app.include_router(router)
    _document_problems(app)
    return app


def _settled(lifespan: Lifespan) -> Lifespan:
    """What was loaded at start stays: keep the garbage collector from walking it (p99 of short requests)."""

    @asynccontextmanager
    async def settled(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with lifespan(app) as state:
            gc.collect()
            gc.freeze()
            yield state

    return settled


def _operations(ready: Ready) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz(request: Request) -> dict[str, str]:
        checks = await ready(request.state)
        if missing := [name for name, there in checks.items() if not there]:
            raise NotReady(errors=[{"pointer": name, "detail": "does not answer"} for name in missing])
        return {"status": "ready"}

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _problem(_: Request, error: Exception) -> Response:
    return (error if isinstance(error, Problem) else InternalError()).response()


async def _invalid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(item["type"] == "json_invalid" for item in found):
        return MalformedJson().response()
    return InvalidRequest(
        errors=[{"pointer": _pointer(item["loc"]), "detail": item["msg"]} for item in found]
    ).response()


def _pointer(location: Sequence[int | str]) -> str:
    """`#/age` for a field of the body (RFC 6901), `query:limit` for what stands elsewhere."""
    place, *path = location
    return "#" + "".join(f"/{part}" for part in path) if place == "body" else ":".join(map(str, location))


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 400:  # FastAPI: the body could not be read as UTF-8 JSON
        return MalformedJson().response()
    known: dict[int, type[Problem]] = {404: NotFound, 405: MethodNotAllowed}
    return known.get(status, InternalError)(headers=headers).response()


async def _away(_: Request, error: Exception) -> Response:
    log.warning("database.away", error=type(error).__name__)
    return DatabaseAway().response()


_HANDLERS: dict[Any, Any] = {
    Problem: _problem,
    RequestValidationError: _invalid,
    HTTPException: _http,
    **dict.fromkeys(database.AWAY, _away),
}


def _document_problems(app: FastAPI) -> None:
    generate = app.openapi

    def documented() -> dict[str, Any]:
        schema = generate()
        schema.setdefault("components", {}).setdefault("schemas", {}).setdefault("Problem", SCHEMA)
        return schema

    app.openapi = documented  # type: ignore[method-assign]


async def answers(pool: database.Pool) -> bool:
    """Whether the database answers: the usual readiness check."""
    try:
        return bool(await pool.fetchval("select true"))
    except database.AWAY:
        return False
