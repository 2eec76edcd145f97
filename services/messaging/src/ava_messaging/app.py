"""The messaging service: the message log."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ava_common.app_factory import create_service_app
from ava_common.database import open_pool
from ava_common.health import database_answers
from ava_common.http_client import open_client
from ava_common.live_sessions import RemoteSessionCheck
from ava_common.settings import load
from ava_common.token_verifier import delegating_issuer, open_verifier
from ava_messaging.export import ExportSlots
from ava_messaging.resources import Resources
from ava_messaging.routes import router
from ava_messaging.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The service as a function of its settings."""

    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        url = settings.database_url.get_secret_value()
        issuers = settings.user_tokens(), delegating_issuer(settings.auth_url, settings.auth_issuer)
        async with (
            open_pool(url, name="messaging") as pool,
            open_verifier(*issuers) as verifier,
            open_client(settings.auth_url) as auth,
        ):
            sessions = RemoteSessionCheck(auth, "/internal/session")
            yield Resources(pool, verifier, sessions, ExportSlots())

    return create_service_app(
        "Ava messaging",
        prefix="/messages",
        open_resources=open_resources,
        routers=[router],
        ready=_ready,
        log_level=settings.log_level,
    )


async def _ready(resources: Resources) -> Mapping[str, bool]:
    return {"database": await database_answers(resources.pool)}


def build() -> FastAPI:
    """For uvicorn: `uvicorn --factory ava_messaging.app:build`."""
    return create_app(load(Settings))
