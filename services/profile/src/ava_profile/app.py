"""The profile service: a user's avatar and preferences."""

import ava_common.lean_fastapi  # noqa: F401 - before FastAPI

# isort: split

import asyncio
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
from ava_profile import avatar_routes
from ava_profile.link_attempts import link_limiter
from ava_profile.resources import Resources
from ava_profile.routes import router
from ava_profile.settings import Settings
from ava_profile.unproven_numbers import apply_retention

DATABASE_CONNECTIONS = 5
SESSION_PATH = "/internal/session"


def create_app(settings: Settings) -> FastAPI:
    """The service as a function of its settings."""

    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        url = settings.database_url.get_secret_value()
        issuers = settings.user_tokens(), delegating_issuer(settings.auth_url, settings.auth_issuer)
        async with (
            open_pool(url, name="profile", size=DATABASE_CONNECTIONS) as pool,
            open_verifier(*issuers) as verifier,
            open_client(settings.auth_url) as auth,
        ):
            database = DatabaseReadiness(pool, url, "PROFILE_DATABASE_URL")
            sessions = RemoteSessionCheck(auth, SESSION_PATH)
            retention = asyncio.create_task(apply_retention(pool, settings.unproven_number_days))
            try:
                yield Resources(settings, pool, database, verifier, sessions, link_limiter(pool, settings))
            finally:
                retention.cancel()

    return create_service_app(
        "Ava profile",
        prefix="/profile",
        open_resources=open_resources,
        routers=[avatar_routes.router, router],
        ready=_ready,
        log_level=settings.log_level,
    )


async def _ready(resources: Resources) -> list[Finding]:
    return await resources.database.findings()


def build() -> FastAPI:
    """For a server: `python -m ava_common.serve ava_profile.app:build`."""
    return create_app(load(Settings))
