"""Ways to ask whether a process is ready; each answers yes or no and never raises."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import httpx

Probe = Callable[[], Awaitable[bool]]


def http(url: str) -> Probe:
    """Ready when GET `url` answers 200."""

    async def ask() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                return (await client.get(url)).status_code == 200
        except httpx.HTTPError:
            return False

    return ask


def tcp(port: int) -> Probe:
    """Ready when something on this machine accepts connections on `port`."""

    async def ask() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return ask


def postgres(dsn: str) -> Probe:
    """Ready when PostgreSQL lets us in: it listens before it has recovered."""

    async def ask() -> bool:
        try:
            connection = await asyncpg.connect(dsn, timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    return ask
