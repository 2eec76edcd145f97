"""Wires the Graph API, the remote control and the phone page into one application."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ava_local.whatsapp_simulator import control, graph, stage
from ava_local.whatsapp_simulator.settings import Settings
from ava_local.whatsapp_simulator.simulator import Simulator

_PAGE = Path(__file__).parent / "page"
_CONTROL: list[tuple[str, str, control.Handler]] = [
    ("GET", "/phones", control.list_phones),
    ("PUT", "/phones/{number}", control.put_phone),
    ("POST", "/phones/{number}/messages", control.speak),
    ("GET", "/phones/{number}/received", control.received),
    ("GET", "/phones/{number}/conversation", control.conversation),
    ("POST", "/phones/{number}/number", stage.move),
    ("POST", "/phones/{number}/user-id", stage.renew),
    ("POST", "/messages", control.speak_many),
    ("POST", "/echoes", stage.echo),
    ("POST", "/fields", stage.other_field),
    ("POST", "/statuses", stage.status),
    ("POST", "/webhooks", stage.raw_webhook),
    ("POST", "/verify", stage.verify),
    ("GET", "/plan", stage.plan),
    ("PATCH", "/plan", stage.plan),
    ("POST", "/faults/next", stage.next_fault),
    ("GET", "/pending", stage.pending),
    ("GET", "/tally", stage.tally),
    ("GET", "/oracle", stage.oracle),
    ("POST", "/reset", stage.reset),
]


def create_app(settings: Settings) -> Starlette:
    """The simulator as an application; everything it knows lives in `app.state.simulator`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.simulator = Simulator(settings)
        logging.getLogger("uvicorn.error").addFilter(_says_more_than_hanging_up)
        yield
        await app.state.simulator.close()

    # A page elsewhere must not reach a control that speaks for anyone, even when its name resolves to us.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    return Starlette(routes=_routes(), lifespan=lifespan, middleware=[hosts])


def _routes() -> list[Route]:
    remote = [
        Route("/simulator" + path, control.forgiving(handler), methods=[m]) for m, path, handler in _CONTROL
    ]
    return [
        Route("/{version}/{phone_number_id}/messages", graph.messages, methods=["POST"]),
        *remote,
        Route("/", _page("index.html")),
        Route("/page/phone.js", _page("phone.js")),
        Route("/page/phone.css", _page("phone.css")),
        Route("/healthz", _alive),
        Route("/{version}/{phone_number_id}", graph.describe, methods=["GET"]),
        Route("/{rest:path}", graph.unknown_path, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]


def _page(name: str) -> control.Handler:
    async def show(request: Request) -> Response:
        return FileResponse(_PAGE / name, headers={"cache-control": "no-cache"})

    return show


async def _alive(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _says_more_than_hanging_up(record: logging.LogRecord) -> bool:
    # Hanging up midway is one of the faults; uvicorn would report each as an error of the application.
    return (
        "without completing response" not in record.getMessage()
        and "without starting" not in record.getMessage()
    )
