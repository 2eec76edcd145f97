"""The messaging room: the log of what was said."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from ava_common.database import open_pool
from ava_common.service import answers, service
from ava_common.settings import load
from ava_common.tokens import open_verifier
from ava_messaging.export import Exports
from ava_messaging.routes import router
from ava_messaging.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The room as a function of its settings."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        url = settings.database_url.get_secret_value()
        async with open_pool(url, name="messaging") as pool, open_verifier(settings) as verifier:
            yield {"pool": pool, "verifier": verifier, "exports": Exports()}

    return service(
        "Ava messaging",
        prefix="/messages",
        lifespan=lifespan,
        routers=[router],
        ready=_ready,
        level=settings.log_level,
    )


async def _ready(state: Any) -> Mapping[str, bool]:
    return {"database": await answers(state.pool)}


def build() -> FastAPI:
    """For uvicorn: `uvicorn --factory ava_messaging.app:build`."""
    return create_app(load(Settings))
