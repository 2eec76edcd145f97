"""The four services side by side, for tests that attack them all."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from identity.services import Services, running_services


@pytest.fixture
async def services(database: Any, issuer: Any) -> AsyncIterator[Services]:
    async with running_services(database, issuer) as running:
        yield running
