"""A client that sends its whole body before it reads gets its answer all the same, up to a bound."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import httpx
import pytest

from .conftest import Answer, Edge

KIB, MIB = 1024, 1024 * 1024
BLOCK = 64 * KIB
LIMITS = {
    "/auth/signup": 64 * KIB,
    "/profile/avatar": 64 * KIB,
    "/messages": MIB,
    "/webhooks/whatsapp": 4 * MIB,
}
BOUNDS = {target: max(2 * limit, MIB) for target, limit in LIMITS.items()} | {"/nowhere": MIB}
MEASURED = [
    (target, size)
    for target, limit in LIMITS.items()
    for size in sorted({limit + 1, limit + 300 * KIB, 2 * limit, BOUNDS[target]})
]
UNMEASURED = [(target, limit + more) for target, limit in LIMITS.items() for more in (1, 255 * KIB)]
FAR_OVER = [(target, size) for target in LIMITS for size in (BOUNDS[target] + 1, 32 * MIB)]
EARLY = [
    ("POST", "/nowhere", 404, ()),
    ("TRACK", "/messages", 501, ()),
    ("POST", "/auth/session", 403, ()),
    ("POST", "/messages", 400, ("Authorization: Bearer a", "Authorization: Bearer b")),
    ("POST", "/healthz", 405, ()),
]
SENT = pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])


def blocks(size: int, chunked: bool) -> list[bytes]:
    """The body as it goes over the wire, in pieces as programs write them."""
    sizes = [BLOCK] * (size // BLOCK) + ([size % BLOCK] if size % BLOCK else [])
    if not chunked:
        return [b"x" * one for one in sizes]
    return [*(b"%x\r\n%b\r\n" % (one, b"x" * one) for one in sizes), b"0\r\n\r\n"]


def send_then_read(
    edge: Edge, method: str, target: str, size: int, chunked: bool, headers: Sequence[str] = ()
) -> bytes:
    """What a client gets that looks at the answer only after its last byte; nothing when it is cut off."""
    told = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: a", "Connection: close", told, *headers])
    answer = b""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as client, suppress(ConnectionError):
        client.sendall(head.encode() + b"\r\n\r\n")
        for block in blocks(size, chunked):
            client.sendall(block)
        while part := client.recv(BLOCK):
            answer += part
    return answer


async def sent(
    edge: Edge, method: str, target: str, size: int, chunked: bool, headers: Sequence[str] = ()
) -> Answer:
    """The answer to a whole request, and that it was not cut off."""
    answer = await asyncio.to_thread(send_then_read, edge, method, target, size, chunked, headers)
    assert answer, "the answer was lost"
    return edge.read(answer)


@pytest.mark.parametrize(
    ("target", "size", "chunked"),
    [(*one, False) for one in MEASURED] + [(*one, True) for one in UNMEASURED],
)
async def test_a_body_somewhat_over_the_limit_gets_its_413(
    edge: Edge, target: str, size: int, chunked: bool
) -> None:
    for _ in range(5):
        answer = await sent(edge, "POST", target, size, chunked)
        assert (answer.status, answer.problem) == (413, "body-too-large")
    assert edge.seen == []


@pytest.mark.parametrize("size", [4 * MIB + 1, 8 * MIB])
async def test_many_clients_at_once_each_get_their_413(edge: Edge, size: int) -> None:
    asked = (sent(edge, "POST", "/webhooks/whatsapp", size, False) for _ in range(8))
    assert {answer.status for answer in await asyncio.gather(*asked)} == {413}
    assert edge.seen == []


@pytest.mark.parametrize(
    ("size", "chunked"), [(4 * MIB + 1, False), (8 * MIB, False), (4 * MIB + 255 * KIB, True)]
)
async def test_httpx_gets_its_413(edge: Edge, size: int, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, size, BLOCK):
            yield b"x" * min(BLOCK, size - at)

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{edge.port}", timeout=60) as client:
        for _ in range(10):
            body = pieces() if chunked else b"x" * size
            answer = await client.post("/webhooks/whatsapp", content=body)
            assert answer.status_code == 413
            assert answer.json()["type"] == "urn:ava:problem:body-too-large"
    assert edge.seen == []


@SENT
@pytest.mark.parametrize(("target", "size"), FAR_OVER)
async def test_what_is_far_over_gets_a_413_or_is_cut_off(
    edge: Edge, target: str, size: int, chunked: bool
) -> None:
    answer = await asyncio.to_thread(send_then_read, edge, "POST", target, size, chunked)
    if answer:
        assert edge.read(answer).problem == "body-too-large"
    assert edge.seen == []


@SENT
@pytest.mark.parametrize(("method", "target", "status", "headers"), EARLY)
async def test_no_early_answer_is_lost_on_a_client_that_is_still_sending(
    edge: Edge, method: str, target: str, status: int, headers: list[str], chunked: bool
) -> None:
    for size in (300 * KIB, BOUNDS.get(target, MIB)):
        answer = await sent(edge, method, target, size, chunked, headers=headers)
        assert answer.status == status
    assert edge.seen == []


@SENT
@pytest.mark.parametrize("target", BOUNDS)
async def test_no_more_of_a_body_is_read_than_the_bound(edge: Edge, target: str, chunked: bool) -> None:
    """The body is held in memory while it is read."""
    before = len(edge.log())
    await asyncio.to_thread(send_then_read, edge, "POST", target, 32 * MIB, chunked)
    assert await read_since(edge, before) <= BOUNDS[target] + 1


async def read_since(edge: Edge, before: int) -> int:
    """What Caddy's log says was read of the one body since."""
    async with asyncio.timeout(60):
        while True:
            lines = [line for line in edge.log()[before:].splitlines(keepends=True) if line.endswith("\n")]
            for line in map(json.loads, lines):
                if "bytes_read" in line:
                    return int(line["bytes_read"])
            await asyncio.sleep(0.02)


async def test_a_client_that_asks_first_is_refused_before_it_sends(edge: Edge) -> None:
    head = "POST /messages HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n"
    answer = await edge.raw(f"{head}Content-Length: {2 * MIB}\r\n\r\n".encode())
    assert edge.read(answer).problem == "body-too-large"
