"""The messaging room as a test meets it: over HTTP, with a database of its own."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager

from ava_messaging.app import create_app
from ava_messaging.settings import Settings


@pytest.fixture
def settings(database: Any, issuer: Any) -> Settings:
    return Settings(database_url=database.url("ava_messaging"), supabase_url=issuer.url, auth_url=issuer.url)


@pytest.fixture
async def room(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        LifespanManager(create_app(settings)) as running,
        httpx.AsyncClient(transport=httpx.ASGITransport(running.app), base_url="http://room") as client,
    ):
        yield client
