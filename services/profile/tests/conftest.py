"""The profile service as a test meets it: over HTTP, with a database of its own."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.running_app import client_of_started
from ava_local.testing.token_issuer import Issuer
from ava_profile.app import create_app
from ava_profile.settings import Settings

MIRA = {"name": "Mira", "age": 27, "personality": "witty", "physical_description": "Tall, dark curls."}


@pytest.fixture
def mira() -> dict[str, Any]:
    """An avatar as a person describes it."""
    return dict(MIRA)


@pytest.fixture
def settings(database: Database, issuer: Issuer) -> Settings:
    own = {"database_url": database.url("ava_profile")}
    return Settings.model_validate({"supabase_url": issuer.url, "auth_url": issuer.url, **own})


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of_started(create_app(settings)) as client:
        yield client


@pytest.fixture
async def code_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The same service, where a number must be confirmed by a code."""
    confirming = settings.model_copy(update={"link_confirmation": "code", "display_number": "+4930123456"})
    async with client_of_started(create_app(confirming)) as client:
        yield client
