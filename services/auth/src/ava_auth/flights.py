"""Many ask for the same thing at once: ask for it once and give everybody the answer."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Single flight by key. A caller who goes away does not take the answer from the others."""

    def __init__(self) -> None:
        self._airborne: dict[bytes, asyncio.Task[T]] = {}

    async def join(self, key: str, start: Callable[[], Awaitable[T]]) -> T:
        """The result of the flight with this key; the first who asks starts it."""
        name = hashlib.sha256(key.encode()).digest()
        task = self._airborne.get(name)
        if task is None:
            task = asyncio.ensure_future(_fly(start))
            self._airborne[name] = task
            task.add_done_callback(lambda landed: self._land(name, landed))
        return await asyncio.shield(task)

    def _land(self, name: bytes, task: asyncio.Task[T]) -> None:
        del self._airborne[name]
        if not task.cancelled():
            task.exception()  # whoever still waits is told; nobody need be waiting


async def _fly(start: Callable[[], Awaitable[T]]) -> T:
    return await start()
