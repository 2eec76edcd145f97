"""One real stack for the tests that concern more than one service."""

from collections.abc import Iterator

import pytest

from ava_local.ports import free_base_port
from ava_local.stack.control import Stack

LAST = "tests/e2e/test_logs.py"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The logs are read after all other tests have run."""
    items.sort(key=lambda item: item.path.as_posix().endswith(LAST))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All processes of Ava on free ports; stopped afterwards, even if the tests are killed."""
    running = Stack(tmp_path_factory.mktemp("stack"), free_base_port(), {"AUTH_NETWORK_ATTEMPTS": "100000"})
    with running:
        yield running
    running.delete_data()
