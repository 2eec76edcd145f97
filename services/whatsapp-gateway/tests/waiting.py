"""Wait for what other tasks bring about."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(true: Callable[[], object | Awaitable[object]], seconds: float = 5.0) -> None:
    """Until `true()` is true; it may be a coroutine function. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await _value_of(true()):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def _value_of(answer: object | Awaitable[object]) -> object:
    return await answer if isinstance(answer, Awaitable) else answer
