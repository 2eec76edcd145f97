"""The same house on a PostgreSQL that is not its own: AVA_DATABASE_ADMIN_URL."""

from collections.abc import Iterator

import pytest

from ava_local.demo.user_journey import UserJourney
from ava_local.ports import free_base_port
from ava_local.stack.control import Stack
from ava_local.testing.databases import temporary_cluster


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with temporary_cluster(16) as server:
        made = Stack(
            tmp_path_factory.mktemp("elsewhere"), free_base_port(), {"AVA_DATABASE_ADMIN_URL": server.url()}
        )
        with made:
            yield made
        made.delete_data()


def test_the_journey_goes_the_same_way_on_another_server(elsewhere: Stack) -> None:
    found = elsewhere.status()
    assert found
    assert "postgres" not in [row.name for row in found.processes]
    assert [step.problem for step in UserJourney(elsewhere.public_url, elsewhere.simulator_url).run()] == [
        None
    ] * 10
