"""Single flight: simultaneous calls with the same key share one execution and its result.

Decision 0068. See docs/contracts/supabase-auth.md#refresh.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """One execution per key at a time. A caller that is cancelled does not cancel it for the others."""

    def __init__(self) -> None:
        self._running: dict[bytes, asyncio.Task[T]] = {}

    async def run(self, key: str, start: Callable[[], Awaitable[T]]) -> T:
        """The result of the execution with this key; the first caller starts it."""
        name = hashlib.sha256(key.encode()).digest()
        task = self._running.get(name)
        if task is None:
            task = asyncio.ensure_future(_await(start))
            self._running[name] = task
            task.add_done_callback(lambda done: self._finish(name, done))
        return await asyncio.shield(task)

    def _finish(self, name: bytes, task: asyncio.Task[T]) -> None:
        del self._running[name]
        if not task.cancelled():
            task.exception()  # the waiting callers raise it; there may be none


async def _await(start: Callable[[], Awaitable[T]]) -> T:
    return await start()
