"""The messaging service: the message log."""

import ava_common.lean_fastapi  # noqa: F401 - before FastAPI

# isort: split

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ava_common.app_factory import create_service_app
from ava_common.database import open_pool
from ava_common.database_readiness import DatabaseReadiness
from ava_common.health import Finding
from ava_common.http_client import open_client
from ava_common.live_sessions import RemoteSessionCheck
from ava_common.settings import load
from ava_common.token_verifier import open_verifier
from ava_common.trusted_issuers import delegating_issuer
from ava_messaging import delegate_routes, fast_paths, routes
from ava_messaging.export import ExportSlots
from ava_messaging.resources import Resources
from ava_messaging.settings import Settings

DATABASE_CONNECTIONS = 7
"""Messages that are written at once share a wait for the disk (decision 0189)."""
SESSION_PATH = "/internal/session"


def create_app(settings: Settings) -> FastAPI:
    """The service as a function of its settings."""

    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        url = settings.database_url.get_secret_value()
        issuers = settings.user_tokens(), delegating_issuer(settings.auth_url, settings.auth_issuer)
        async with (
            open_pool(url, name="messaging", size=DATABASE_CONNECTIONS) as pool,
            open_verifier(*issuers) as verifier,
            open_client(settings.auth_url) as auth,
        ):
            database = DatabaseReadiness(pool, url, "MESSAGING_DATABASE_URL")
            sessions = RemoteSessionCheck(auth, SESSION_PATH)
            yield Resources(pool, database, verifier, sessions, ExportSlots())

    return create_service_app(
        "Ava messaging",
        prefix="/messages",
        open_resources=open_resources,
        routers=[routes.router, delegate_routes.router],
        fast_paths=fast_paths.FAST_PATHS,
        ready=_ready,
        log_level=settings.log_level,
    )


async def _ready(resources: Resources) -> list[Finding]:
    return await resources.database.findings()


def build() -> FastAPI:
    """For a server: `python -m ava_common.serve ava_messaging.app:build`."""
    return create_app(load(Settings))
