"""The application: routes of the Graph API, the control API and the phone page."""

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

from ava_whatsapp_simulator.control_api import phone_endpoints, platform_endpoints
from ava_whatsapp_simulator.control_api.request_handling import Handler, with_error_responses
from ava_whatsapp_simulator.graph_api import endpoints as graph_api
from ava_whatsapp_simulator.settings import Settings
from ava_whatsapp_simulator.simulator import Simulator

_PAGE = Path(__file__).parent / "page"
_CONTROL_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/phones", phone_endpoints.list_phones),
    ("PUT", "/phones/{number}", phone_endpoints.put_phone),
    ("POST", "/phones/{number}/messages", phone_endpoints.send_message),
    ("GET", "/phones/{number}/received", phone_endpoints.received),
    ("GET", "/phones/{number}/conversation", phone_endpoints.conversation),
    ("POST", "/phones/{number}/number", platform_endpoints.change_number),
    ("POST", "/phones/{number}/user-id", platform_endpoints.change_user_id),
    ("POST", "/messages", phone_endpoints.send_messages),
    ("POST", "/echoes", platform_endpoints.business_app_message),
    ("POST", "/fields", platform_endpoints.custom_field),
    ("POST", "/statuses", platform_endpoints.custom_status),
    ("POST", "/webhooks", platform_endpoints.raw_webhook),
    ("POST", "/verify", platform_endpoints.verify_webhook),
    ("GET", "/plan", platform_endpoints.plan),
    ("PATCH", "/plan", platform_endpoints.plan),
    ("POST", "/faults/next", platform_endpoints.next_fault),
    ("GET", "/pending", platform_endpoints.pending),
    ("GET", "/tally", platform_endpoints.counts),
    ("GET", "/oracle", platform_endpoints.oracle),
    ("POST", "/reset", platform_endpoints.reset),
]


def create_app(settings: Settings) -> Starlette:
    """The simulator as an ASGI application; its state is `app.state.simulator`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.simulator = Simulator(settings)
        logging.getLogger("uvicorn.error").addFilter(_is_not_dropped_response)
        yield
        await app.state.simulator.close()

    # A foreign web page must not reach an API that sends as anyone, even if its host name resolves here.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    return Starlette(routes=_routes(), lifespan=lifespan, middleware=[hosts])


def _routes() -> list[Route]:
    control_routes = [
        Route("/simulator" + path, with_error_responses(handler), methods=[m])
        for m, path, handler in _CONTROL_ROUTES
    ]
    return [
        Route("/{version}/{phone_number_id}/messages", graph_api.messages, methods=["POST"]),
        *control_routes,
        Route("/", _page("index.html")),
        Route("/page/phone.js", _page("phone.js")),
        Route("/page/phone.css", _page("phone.css")),
        Route("/healthz", healthz),
        Route("/{version}/{phone_number_id}", graph_api.describe, methods=["GET"]),
        Route("/{rest:path}", graph_api.unknown_path, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]


def _page(name: str) -> Handler:
    async def show(request: Request) -> Response:
        return FileResponse(_PAGE / name, headers={"cache-control": "no-cache"})

    return show


async def healthz(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _is_not_dropped_response(record: logging.LogRecord) -> bool:
    # Dropping a response is one of the faults; uvicorn would log each one as an error of the application.
    return (
        "without completing response" not in record.getMessage()
        and "without starting" not in record.getMessage()
    )
