"""The ASGI application: routes, the API-key gateway, loopback only.

Decision 0020.
"""

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

from ava_supabase_standin.accounts.passwords import Hasher
from ava_supabase_standin.api_key_gateway import PREFIX, ApiKeyGateway
from ava_supabase_standin.database import open_pool
from ava_supabase_standin.endpoints import (
    admin_user_list,
    admin_users,
    captured_mail_page,
    generate_link,
    recovery,
    service_info,
    signup,
    token,
    user,
    verify,
)
from ava_supabase_standin.errors import (
    AuthError,
    database_error_response,
    error_response,
    unexpected_error_response,
)
from ava_supabase_standin.mail.mail_catcher import MailCatcher
from ava_supabase_standin.rate_limiter import RateLimiter
from ava_supabase_standin.resources import Handler, Resources
from ava_supabase_standin.settings import Settings, is_loopback
from ava_supabase_standin.signing_keys import SigningKeys, signing_keys

REQUEST_TIMEOUT_SECONDS = 10.0


class State(TypedDict):
    """The keys of `request.state`."""

    resources: Resources


def create_app(settings: Settings) -> ASGIApp:
    """The whole stand-in as one ASGI application that answers on loopback addresses only."""
    keys = signing_keys(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        pool, hasher = await open_pool(settings.database_url.get_secret_value()), Hasher()
        mail_catcher = MailCatcher(settings.state_dir / "outbox" if settings.state_dir else None)
        yield {"resources": Resources(settings, pool, keys, hasher, RateLimiter(settings), mail_catcher)}
        hasher.close()
        await pool.close()

    handlers = {
        AuthError: error_response,
        TimeoutError: _timeout_response,
        asyncpg.PostgresError: database_error_response,
        Exception: unexpected_error_response,
    }
    return LoopbackOnly(
        Starlette(routes=_routes(settings, keys), lifespan=lifespan, exception_handlers=handlers)
    )


class LoopbackOnly:
    """Rejects requests to a network address, however it was started, or with a foreign host name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_local(scope):
            refusal = PlainTextResponse(
                "The Supabase Auth stand-in accepts requests from this machine only.\n", 403
            )
            return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    bound = (scope.get("server") or ("", None))[0]
    asked = Headers(scope=scope).get("host", "").rsplit(":", 1)[0]
    return is_loopback(bound) and is_loopback(asked)


def _routes(settings: Settings, keys: SigningKeys) -> list[BaseRoute]:
    return [
        Route("/healthz", service_info.healthz, methods=["GET"]),
        Route("/outbox", captured_mail_page.list_mails, methods=["GET"]),
        Route("/outbox", captured_mail_page.clear, methods=["DELETE"]),
        Mount(PREFIX, ApiKeyGateway(Router(_api(), redirect_slashes=False), settings, keys)),
    ]


def _api() -> list[BaseRoute]:
    """The routes of the API, as in GoTrue's internal/api/api.go."""
    return [
        _route("GET /health", service_info.health),
        _route("GET /settings", service_info.settings),
        _route("GET /.well-known/jwks.json", service_info.jwks),
        _route("POST /signup", signup.signup),
        _route("POST /token", token.token),
        _route("POST /recover", recovery.recover),
        _route("POST /resend", recovery.resend),
        _route("GET /verify", verify.get),
        _route("POST /verify", verify.post),
        _route("GET /user", user.get),
        _route("PUT /user", user.update),
        _route("GET /reauthenticate", user.reauthenticate),
        _route("POST /logout", user.logout),
        _route("GET /admin/users", admin_user_list.list_users),
        _route("POST /admin/users", admin_users.create),
        _route("GET /admin/users/{user_id}", admin_users.get),
        _route("PUT /admin/users/{user_id}", admin_users.update),
        _route("DELETE /admin/users/{user_id}", admin_users.delete),
        _route("POST /admin/generate_link", generate_link.generate),
    ]


def _route(where: str, handler: Handler) -> Route:
    method, path = where.split()

    async def with_timeout(request: Request) -> Response:
        async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
            return await handler(request)

    return Route(path, with_timeout, methods=[method])


async def _timeout_response(request: Request, _: Exception) -> Response:
    message = "Processing this request timed out, please retry after a moment."
    return await error_response(request, AuthError(504, "request_timeout", message))
