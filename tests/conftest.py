"""One real stack for the tests that concern more than one service."""

from collections.abc import Iterator

import pytest

from ava_local.ports import free_base_port
from ava_local.stack.control import Stack
from e2e import leaks

FREE = {"AUTH_NETWORK_ATTEMPTS": "100000", "PROFILE_LINK_NETWORK_ATTEMPTS": "100000"}
"""All tests come from one network."""


@pytest.fixture(scope="session")
def stack(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All processes of Ava on free ports; stopped afterwards, even if the tests are killed.

    At the end its logs are searched for secrets, whichever tests used it and in whichever order.
    """
    running = Stack(tmp_path_factory.mktemp("stack"), free_base_port(), FREE)
    try:
        with running:
            yield running
            running.wait_ready()
            assert leaks.secrets_found(running) == {}, "a log of the shared stack contains secrets"
    finally:
        running.delete_data()
