"""Wait for what other tasks and processes bring about."""

import asyncio
from collections.abc import Awaitable, Callable
from subprocess import Popen

import httpx

POLL_SECONDS = 0.01


async def eventually(
    condition: Callable[[], object | Awaitable[object]], timeout_seconds: float = 60.0
) -> None:
    """Until `condition()`, plain or a coroutine function, is true. Raises TimeoutError."""
    async with asyncio.timeout(timeout_seconds):
        while not await _value_of(condition()):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(POLL_SECONDS)


async def until_ready(url: str, process: Popen[bytes], timeout_seconds: float = 120.0) -> None:
    """Until this process answers with 200 at its readiness URL; fails once the process has ended."""

    async def is_ready() -> bool:
        assert process.poll() is None, f"the process ended with {process.returncode} before it was ready"
        try:
            return (await http.get(url)).status_code == 200
        except httpx.HTTPError:
            return False

    async with httpx.AsyncClient(trust_env=False) as http:
        await eventually(is_ready, timeout_seconds)


async def _value_of(answer: object | Awaitable[object]) -> object:
    return await answer if isinstance(answer, Awaitable) else answer
