"""The stack on a PostgreSQL that is not its own: AVA_DATABASE_ADMIN_URL."""

from collections.abc import Iterator

import pytest

from ava_local.demo.user_journey import UserJourney
from ava_local.ports import free_base_port
from ava_local.stack.control import Stack
from ava_local.testing.databases import temporary_cluster


@pytest.fixture(scope="module")
def stack_on_external_database(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with temporary_cluster(16) as server:
        variables = {"AVA_DATABASE_ADMIN_URL": server.url()}
        stack = Stack(tmp_path_factory.mktemp("external"), free_base_port(), variables)
        with stack:
            yield stack
        stack.delete_data()


def test_the_journey_works_on_an_external_database(stack_on_external_database: Stack) -> None:
    stack = stack_on_external_database
    found = stack.status()
    assert found
    assert "postgres" not in [process.name for process in found.processes]
    journey = UserJourney(stack.public_url, stack.simulator_url)
    assert [step.problem for step in journey.run()] == [None] * 10
