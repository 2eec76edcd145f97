"""The stand-in, put together: outbox in the open, the API behind its gateway, nothing beyond this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import asyncpg
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from ava_local.supabase_auth import (
    about,
    admin,
    links,
    listing,
    login,
    mailbox,
    recover,
    signup,
    user,
    verify,
)
from ava_local.supabase_auth.database import open_pool
from ava_local.supabase_auth.errors import Refusal, refuse, refuse_database, refuse_unexpected
from ava_local.supabase_auth.gateway import PREFIX, Gateway
from ava_local.supabase_auth.keys import SigningKeys, signing_keys
from ava_local.supabase_auth.limits import Limits
from ava_local.supabase_auth.outbox import Outbox
from ava_local.supabase_auth.passwords import Hasher
from ava_local.supabase_auth.requests import Handler, Service
from ava_local.supabase_auth.settings import Settings, is_loopback

LONGEST_REQUEST = 10.0


class State(TypedDict):
    """What every request finds in `request.state`."""

    service: Service


def create_app(settings: Settings) -> ASGIApp:
    """The whole stand-in as one ASGI application that answers on loopback addresses only."""
    keys = signing_keys(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        pool, hasher = await open_pool(settings.database_url.get_secret_value()), Hasher()
        box = Outbox(settings.state_dir / "outbox" if settings.state_dir else None)
        yield {"service": Service(settings, pool, keys, hasher, Limits(settings), box)}
        hasher.close()
        await pool.close()

    handlers = {
        Refusal: refuse,
        TimeoutError: _too_slow,
        asyncpg.PostgresError: refuse_database,
        Exception: refuse_unexpected,
    }
    return LoopbackOnly(
        Starlette(routes=_routes(settings, keys), lifespan=lifespan, exception_handlers=handlers)
    )


class LoopbackOnly:
    """Refuses what came by an address of the network, however it was started, or by a foreign host name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_local(scope):
            refusal = PlainTextResponse("This stand-in serves its own machine only.\n", 403)
            return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    bound = (scope.get("server") or ("", None))[0]
    asked = Headers(scope=scope).get("host", "").rsplit(":", 1)[0]
    return is_loopback(bound) and is_loopback(asked)


def _routes(settings: Settings, keys: SigningKeys) -> list[BaseRoute]:
    return [
        Route("/healthz", about.healthz, methods=["GET"]),
        Route("/outbox", mailbox.outbox, methods=["GET"]),
        Route("/outbox", mailbox.clear, methods=["DELETE"]),
        Mount(PREFIX, Gateway(Router(_api(), redirect_slashes=False), settings, keys)),
    ]


def _api() -> list[BaseRoute]:
    """The API as upstream lays it out (internal/api/api.go)."""
    return [
        _route("GET /health", about.health),
        _route("GET /settings", about.settings),
        _route("GET /.well-known/jwks.json", about.jwks),
        _route("POST /signup", signup.signup),
        _route("POST /token", login.token),
        _route("POST /recover", recover.recover),
        _route("POST /resend", recover.resend),
        _route("GET /verify", verify.get),
        _route("POST /verify", verify.post),
        _route("GET /user", user.show),
        _route("PUT /user", user.change),
        _route("GET /reauthenticate", user.reauthenticate),
        _route("POST /logout", user.logout),
        _route("GET /admin/users", listing.users),
        _route("POST /admin/users", admin.create),
        _route("GET /admin/users/{user_id}", admin.show),
        _route("PUT /admin/users/{user_id}", admin.change),
        _route("DELETE /admin/users/{user_id}", admin.delete),
        _route("POST /admin/generate_link", links.generate),
    ]


def _route(where: str, handler: Handler) -> Route:
    method, path = where.split()

    async def bounded(request: Request) -> Response:
        async with asyncio.timeout(LONGEST_REQUEST):
            return await handler(request)

    return Route(path, bounded, methods=[method])


async def _too_slow(request: Request, _: Exception) -> Response:
    message = "Processing this request timed out, please retry after a moment."
    return await refuse(request, Refusal(504, "request_timeout", message))
