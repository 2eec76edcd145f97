"""The same house on a PostgreSQL that is not its own: AVA_DATABASE_ADMIN_URL."""

from collections.abc import Iterator

import pytest

from ava_local.handle import House
from ava_local.journey import Journey
from ava_local.places import free_base
from ava_local.testing import throw_away_cluster


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with throw_away_cluster(16) as server:
        made = House(
            tmp_path_factory.mktemp("elsewhere"), free_base(), {"AVA_DATABASE_ADMIN_URL": server.url()}
        )
        with made:
            yield made
        made.forget()


def test_the_journey_goes_the_same_way_on_another_server(elsewhere: House) -> None:
    found = elsewhere.status()
    assert found
    assert "postgres" not in [row.name for row in found.rows]
    assert [step.problem for step in Journey(elsewhere.form, elsewhere.phone).play()] == [None] * 10
