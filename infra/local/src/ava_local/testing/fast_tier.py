"""The fast tier: every test that does not ask for `processes`; a guard keeps it to this process."""

from __future__ import annotations

import socket
import sys
import weakref
from collections.abc import Generator
from typing import Any

import pytest

from ava_local.ports import is_port_free

PROCESS_EVENTS = frozenset(
    {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}
)


class LeftTheFastTier(Exception):
    """A test of the fast tier started a process or connected to one: it must take `processes`."""


class Guard:
    """An audit hook (PEP 578) that refuses processes, and connections to anything but this process."""

    def __init__(self) -> None:
        self.is_active = False
        self.refused: list[str] = []
        self._bound: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.bind":
            self._bound.add(arguments[0])
        elif self.is_active and event in PROCESS_EVENTS:
            self._refuse(f"{event}: {arguments[0] if arguments else ''}")
        elif self.is_active and event == "socket.connect" and not self._is_harmless(arguments[1]):
            self._refuse(f"{event}: {arguments[1]}")

    def _is_harmless(self, address: Any) -> bool:
        """A server of this process listens there, such as the token issuer, or nobody on this machine."""
        if any(one.fileno() != -1 and one.getsockname() == address for one in self._bound):
            return True
        return isinstance(address, tuple) and address[0] == "127.0.0.1" and is_port_free(address[1])

    def _refuse(self, what: str) -> None:
        self.refused.append(what)
        raise LeftTheFastTier(f"{what}. {LeftTheFastTier.__doc__}")


guard = Guard()


@pytest.fixture(scope="session")
def processes() -> None:
    """Taken by every test and fixture that starts a process, uses a database, or waits for long."""


def is_fast(item: pytest.Item) -> bool:
    return "processes" not in getattr(item, "fixturenames", ())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="Only the tests without a database or a process.")


def pytest_configure() -> None:
    sys.addaudithook(guard)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The fast tier comes first: what can fail at once does, and no process of another test is alive."""
    slow = [item for item in items if not is_fast(item)]
    items[:] = [item for item in items if is_fast(item)]
    if config.getoption("fast"):
        config.hook.pytest_deselected(items=slow)
    else:
        items += slow


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    guard.is_active, guard.refused = is_fast(item), []
    try:
        return (yield)
    finally:
        guard.is_active = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """Fails a test that swallowed the guard's exception."""
    yield
    if guard.refused:
        raise LeftTheFastTier(f"{'; '.join(guard.refused)}. {LeftTheFastTier.__doc__}")
