"""One real house for the tests that concern more than one room."""

from collections.abc import Iterator

import pytest

from ava_local.handle import House
from ava_local.places import free_base
from e2e import leaks


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """All processes of Ava on ports of their own; gone afterwards, also when the tests are killed.

    Whatever the tests of a run did here, in whichever order, its logs tell nobody's secrets.
    """
    built = House(tmp_path_factory.mktemp("house"), free_base(), {"AUTH_NETWORK_ATTEMPTS": "100000"})
    try:
        with built:
            yield built
            built.wait_ready()
            assert leaks.told(built) == {}, "a log of the shared stack tells what no log may tell"
    finally:
        built.forget()
