"""One real house for the tests that concern more than one room."""

from collections.abc import Iterator

import pytest

from ava_local.ports import free_base_port
from ava_local.stack.control import Stack

LAST = "tests/e2e/test_logs.py"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The logs are read when everybody else has left the house."""
    items.sort(key=lambda item: item.path.as_posix().endswith(LAST))


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All processes of Ava on ports of their own; gone afterwards, also when the tests are killed."""
    built = Stack(tmp_path_factory.mktemp("house"), free_base_port(), {"AUTH_NETWORK_ATTEMPTS": "100000"})
    with built:
        yield built
    built.delete_data()
