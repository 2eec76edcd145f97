"""Connections of every service fit the smallest session pool, also while a second copy of it starts."""

import importlib

import pytest

from ava_local.stack.environment import SERVICES

SMALLEST_SESSION_POOL = 15
"""Connections for each role: docs/contracts/postgres.md#connecting-to-a-hosted-database."""

OPERATOR = 1


def connections(service: str) -> int:
    package = f"ava_{service.replace('-', '_')}"
    if service == "whatsapp-gateway":
        default = importlib.import_module(f"{package}.settings").Settings.model_fields["database_connections"]
        return int(default.default)
    return int(importlib.import_module(f"{package}.app").DATABASE_CONNECTIONS)


@pytest.mark.parametrize("service", SERVICES)
def test_two_copies_of_a_service_and_an_operator_fit_the_smallest_session_pool(service: str) -> None:
    assert 2 * connections(service) + OPERATOR <= SMALLEST_SESSION_POOL
