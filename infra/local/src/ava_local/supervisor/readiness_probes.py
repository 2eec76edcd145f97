"""Checks whether a process is ready: HTTP 200, a TCP connection, or a callback; they never raise."""

import asyncio
from collections.abc import Awaitable, Callable

Probe = Callable[[], Awaitable[bool]]
TIMEOUT_SECONDS = 2.0


def http(port: int, path: str) -> Probe:
    """Ready if GET `path` on this machine returns 200; written by hand, as a client library takes 20 MB."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()

    async def ask() -> bool:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return (await exchange(port, request)).split(b" ")[1:2] == [b"200"]
        except (OSError, TimeoutError):
            return False

    return ask


async def exchange(port: int, request: bytes) -> bytes:
    """Send the request; the first line of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.readline()
    finally:
        writer.close()


def tcp(port: int) -> Probe:
    """Ready if something on this machine accepts connections on `port`."""

    async def ask() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return ask


def callback(is_ready: Callable[[], bool]) -> Probe:
    """Ready if the function says so."""

    async def ask() -> bool:
        return is_ready()

    return ask
