"""What is too large or too slow is answered by Caddy, before it costs a service anything."""

import asyncio

import pytest

from .conftest import Answer, Edge, EdgeProxy

KIB, MIB = 1024, 1024 * 1024
LIMITS = [
    ("/auth/signup", 64 * KIB),
    ("/profile/avatar", 64 * KIB),
    ("/messages", MIB),
    ("/webhooks/whatsapp", 4 * MIB),
]


def chunked(body: bytes, size: int = 30_000) -> bytes:
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


async def post_chunked(edge: Edge, target: str, body: bytes) -> Answer:
    head = f"POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    return edge.read(await edge.raw(head.encode() + chunked(body)))


@pytest.mark.parametrize(("target", "limit"), LIMITS)
async def test_a_body_of_exactly_the_limit_arrives_whole(edge: Edge, target: str, limit: int) -> None:
    body = bytes(range(256)) * (limit // 256)
    assert (await edge.reach("POST", target, body=body)).body == body
    answer = await post_chunked(edge, target, body)
    assert answer.status == 200
    assert edge.seen[-1].body == body


@pytest.mark.parametrize(("target", "limit"), LIMITS)
async def test_one_byte_more_is_a_413_problem(edge: Edge, target: str, limit: int) -> None:
    answer = await edge.ask("POST", target, body=b"x" * (limit + 1))
    assert (answer.status, answer.problem) == (413, "body-too-large")
    assert edge.seen == []


@pytest.mark.parametrize(("target", "limit"), LIMITS)
async def test_one_byte_more_in_chunks_is_a_413_problem_too(edge: Edge, target: str, limit: int) -> None:
    answer = await post_chunked(edge, target, b"x" * (limit + 1))
    assert (answer.status, answer.problem) == (413, "body-too-large")
    assert edge.seen == []


async def test_a_length_that_only_claims_to_be_huge_is_refused_at_once(edge: Edge) -> None:
    answer = await edge.ask("POST", "/messages", "Content-Length: 99999999999")
    assert (answer.status, answer.problem) == (413, "body-too-large")


async def test_the_largest_file_meta_sends_fits(edge: Edge) -> None:
    seen = await edge.reach("POST", "/webhooks/whatsapp", body=b"x" * 3 * MIB)
    assert len(seen.body) == 3 * MIB


async def test_headers_of_a_busy_browser_fit_and_twice_as_large_ones_do_not(edge: Edge) -> None:
    await edge.reach("GET", "/messages", f"Cookie: theme={'x' * 12 * KIB}")
    answer = await edge.ask("GET", "/messages", f"Cookie: theme={'x' * 24 * KIB}")
    assert answer.status == 431
    assert len(edge.seen) == 1


async def test_ten_thousand_small_headers_are_too_many(edge: Edge) -> None:
    answer = await edge.ask("GET", "/messages", *(f"X-{n}: y" for n in range(10_000)))
    assert answer.status == 431
    assert edge.seen == []


async def test_a_very_long_address_is_too_long(edge: Edge) -> None:
    answer = await edge.ask("GET", f"/messages?text={'x' * 64 * KIB}")
    assert answer.status == 431
    assert edge.seen == []


async def test_a_caller_who_never_finishes_the_headers_is_let_go(edge: Edge, edge_proxy: EdgeProxy) -> None:
    upstreams = {name: service.port for name, service in edge.services.items()}
    port, _ = edge_proxy.before(upstreams, patience=("read_header 10s", "read_header 300ms"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /messages HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    answer = await asyncio.wait_for(reader.read(), 60)
    assert b" 200 " not in answer
    assert edge.seen == []
