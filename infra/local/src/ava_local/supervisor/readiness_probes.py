"""Checks whether a process is ready: HTTP 200, a TCP connection, or a callback; they never raise."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Readiness:
    """What a probe heard. `words`: what is waited for or, when it is ready all the same, what is degraded."""

    is_ready: bool
    words: str = ""


Probe = Callable[[], Awaitable[Readiness]]
NOTHING_HEARD = Readiness(False)
TIMEOUT_SECONDS = 5.0
LONGEST_RESPONSE_BYTES = 65536


def http(port: int, path: str) -> Probe:
    """Ready if GET `path` on this machine returns 200; written by hand, as a client library takes 20 MB."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()

    async def ask() -> Readiness:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await exchange(port, request)
        except (OSError, TimeoutError):
            return NOTHING_HEARD
        return Readiness(response.split(b" ", 2)[1:2] == [b"200"], words_in(response))

    return ask


async def exchange(port: int, request: bytes) -> bytes:
    """Send the request; the whole response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await read_to_end(reader)
    finally:
        writer.close()


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    read = b""
    while len(read) < LONGEST_RESPONSE_BYTES and (part := await reader.read(LONGEST_RESPONSE_BYTES)):
        read += part
    return read


def words_in(response: bytes) -> str:
    """What a service's answer to /readyz lists, in one line; empty for any other body."""
    try:
        found = json.loads(response.partition(b"\r\n\r\n")[2])
        return "; ".join(f"{one['pointer']}: {one['detail']}" for one in found.get("errors", []))
    except (ValueError, AttributeError, TypeError, KeyError):
        return ""


def tcp(port: int) -> Probe:
    """Ready if something on this machine accepts connections on `port`."""

    async def ask() -> Readiness:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return NOTHING_HEARD
        writer.close()
        return Readiness(True)

    return ask


def callback(is_ready: Callable[[], bool]) -> Probe:
    """Ready if the function says so."""

    async def ask() -> Readiness:
        return Readiness(is_ready())

    return ask
