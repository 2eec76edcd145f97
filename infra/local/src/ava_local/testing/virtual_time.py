"""Time that passes only while a test waits: what takes how long is exact, however slow the machine is."""

import asyncio
import contextlib
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _Waiting(selectors.SelectSelector):
    """There is nothing to wait for but time, and that passes at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


def in_virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test without input or output on an event loop of its own, whose clock no machine delays."""

    @functools.wraps(test)
    def run() -> None:
        waiting = _Waiting()
        loop = asyncio.SelectorEventLoop(waiting)
        loop.time = lambda: waiting.now  # type: ignore[method-assign]
        with contextlib.closing(loop):  # not the thread's own: that one is other tests'
            loop.run_until_complete(test())

    return run
