"""Wait for what other tasks bring about."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


async def eventually(true: Callable[[], object | Awaitable[object]], seconds: float = 60.0) -> None:
    """Until `true()` is true; it may be a coroutine function. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await _value_of(true()):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def until_idle(database: Any) -> None:
    """Until the worker has ingested every delivery and has no lane left to work on."""
    left = "select from whatsapp.lanes union all select from whatsapp.deliveries where state = 'new'"

    async def is_idle() -> bool:
        return not await database.admin(left)

    await eventually(is_idle)


async def until_blocked(database: Any) -> None:
    """Until a statement in this database waits for a lock."""
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

    async def is_blocked() -> bool:
        return bool(await database.admin(waiting))

    await eventually(is_blocked)


async def _value_of(answer: object | Awaitable[object]) -> object:
    return await answer if isinstance(answer, Awaitable) else answer
