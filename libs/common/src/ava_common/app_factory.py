"""Make a service's FastAPI application: its resources, problems, health, metrics, traces and OpenAPI.

Decisions 0090 and 0164.
"""

import gc
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias, TypeVar

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ava_common import api_description, error_handlers, health
from ava_common.access_log import begin_refusals_at_zero
from ava_common.fast_path import FastPath, Service
from ava_common.log import configure
from ava_common.plain_asgi_route import PlainAsgiRoute
from ava_common.problems import InvalidRequest, MalformedJson, responses
from ava_common.request_checks import RequestChecks
from ava_common.resource_methods import ResourceMethods, with_head

R = TypeVar("R")
OpenResources: TypeAlias = Callable[[], AbstractAsyncContextManager[R]]
Lifespan: TypeAlias = AbstractAsyncContextManager[Mapping[str, Any]]


def create_service_app(
    title: str,
    *,
    prefix: str,
    open_resources: OpenResources[R],
    routers: Sequence[APIRouter],
    ready: health.ReadinessCheck[R],
    hot_routes: Sequence[PlainAsgiRoute] = (),
    fast_paths: Sequence[FastPath] = (),
    log_level: str = "INFO",
) -> FastAPI:
    """The application of one service, with its OpenAPI description at `{prefix}/openapi.json`.

    `open_resources` is entered when the application starts and left when it stops; what it yields is
    `request.state.resources` of every request, and what `ready` is asked about. `hot_routes` are matched
    before all routers, and `fast_paths` answer the usual requests of any route.
    """
    # Log lines name the process as the stack, its deployment and the operator commands do.
    configure(title.removeprefix("Ava ").lower().replace(" ", "-"), log_level)
    app = Service(
        fast_paths,
        title=title,
        lifespan=_lifespan(open_resources),
        openapi_url=f"{prefix}/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=responses(MalformedJson, InvalidRequest),
        exception_handlers=error_handlers.HANDLERS,
    )
    app.router.lifespan = _refusal_in_words(app.router.lifespan)  # type: ignore[assignment, method-assign]
    served = [*routers, health.router(ready)]
    served.append(with_head(served))
    app.router.routes.extend(hot_routes)
    app.state.methods = ResourceMethods(served, app.router.routes)
    for router in served:
        app.include_router(router)
    begin_refusals_at_zero(app.state.methods.routes)
    if not hot_routes:  # a service with a hot route takes nothing else that could be ignored
        app.add_middleware(RequestChecks, methods=app.state.methods)
    api_description.complete(app, checked=not hot_routes)
    return app


def _refusal_in_words(lifespan: ASGIApp) -> Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]:
    """A start that a service refuses (SystemExit) is told in its own sentence, without a stack trace."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def hold_back(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                held.append(message)
            else:
                await send(message)

        try:
            await lifespan(scope, receive, hold_back)
        except SystemExit as refusal:
            held[:] = [{"type": "lifespan.startup.failed", "message": str(refusal)}]
            raise
        finally:
            for message in held:
                await send(message)

    return told


def _lifespan(open_resources: OpenResources[R]) -> Callable[[FastAPI], Lifespan]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with open_resources() as resources:
            # What was loaded at start stays: the garbage collector need not walk it (p99 of short requests).
            gc.collect()
            gc.freeze()
            yield {"resources": resources, "service": app}  # for `http_protocol`

    return lifespan
