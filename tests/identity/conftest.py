"""The four services side by side, for tests that attack them all."""

from collections.abc import AsyncIterator

import pytest
from identity.services import Services, running_services

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer


@pytest.fixture
async def services(database: Database, issuer: Issuer) -> AsyncIterator[Services]:
    async with running_services(database, issuer) as running:
        yield running
