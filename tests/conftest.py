"""One real house for the tests that concern more than one room."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ava_local.handle import House
from ava_local.places import OFFSETS


def free_ports() -> int:
    """A base port with every port of a house free above it."""
    for base in range(21080, 30000, 10):
        try:
            for offset in OFFSETS.values():
                with socket.socket() as tried:
                    tried.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        return base
    raise RuntimeError("no eight free ports in a row between 21080 and 30000")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """All processes of Ava on ports of their own; gone afterwards, also when the tests are killed."""
    state: Path = tmp_path_factory.mktemp("house")
    variables = {"AUTH_NETWORK_ATTEMPTS": "100000"}
    built = House(state, free_ports(), variables)
    with built:
        yield built
    built.forget()
