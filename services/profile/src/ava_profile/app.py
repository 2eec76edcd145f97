"""The profile room: a person's avatar and preferences."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from ava_common.database import open_pool
from ava_common.service import answers, service
from ava_common.settings import load
from ava_common.tokens import open_verifier
from ava_profile.routes import router
from ava_profile.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The room as a function of its settings."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        url = settings.database_url.get_secret_value()
        async with open_pool(url, name="profile") as pool, open_verifier(settings) as verifier:
            yield {"pool": pool, "verifier": verifier, "settings": settings}

    return service(
        "Ava profile",
        prefix="/profile",
        lifespan=lifespan,
        routers=[router],
        ready=_ready,
        level=settings.log_level,
    )


async def _ready(state: Any) -> Mapping[str, bool]:
    return {"database": await answers(state.pool)}


def build() -> FastAPI:
    """For uvicorn: `uvicorn --factory ava_profile.app:build`."""
    return create_app(load(Settings))
