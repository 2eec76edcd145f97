"""The profile room as a test meets it: over HTTP, with a database of its own."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager

from ava_profile.app import create_app
from ava_profile.settings import Settings

MIRA = {"name": "Mira", "age": 27, "personality": "witty", "physical_description": "Tall, dark curls."}


@pytest.fixture
def mira() -> dict[str, Any]:
    """An avatar as a person describes it."""
    return dict(MIRA)


@pytest.fixture
def settings(database: Any, issuer: Any) -> Settings:
    return Settings(database_url=database.url("ava_profile"), supabase_url=issuer.url, auth_url=issuer.url)


@pytest.fixture
async def room(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        LifespanManager(create_app(settings), startup_timeout=60, shutdown_timeout=60) as running,
        httpx.AsyncClient(transport=httpx.ASGITransport(running.app), base_url="http://room") as client,
    ):
        yield client


@pytest.fixture
async def code_room(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The same room where a number must be confirmed by a code."""
    asking = settings.model_copy(update={"link_confirmation": "code", "display_number": "+4930123456"})
    async with (
        LifespanManager(create_app(asking), startup_timeout=60, shutdown_timeout=60) as running,
        httpx.AsyncClient(transport=httpx.ASGITransport(running.app), base_url="http://room") as client,
    ):
        yield client
