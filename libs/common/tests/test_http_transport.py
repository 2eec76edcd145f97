"""The transport under httpx, against servers that answer in every way a server can."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from ava_common.http_client import open_client
from ava_common.http_transport import PeerTransport
from ava_local.testing.tls_terminator import Authority

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Answer = Callable[["_Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Server:
    """Reads whole requests and answers each by `answer`; counts connections."""

    def __init__(self) -> None:
        self.port, self.connections, self.requests = 0, 0, list[bytes]()
        self.closed = asyncio.Event()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        request = head + await reader.readexactly(int(length[1]) if length else 0)
        self.requests.append(request)
        return request


@asynccontextmanager
async def _serving(*answers: bytes | Answer) -> AsyncIterator[tuple[_Server, httpx.AsyncClient]]:
    """Each request gets the next of the answers, the last one again and again."""
    server = _Server()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await server.request(reader)
                answer = answers[min(len(server.requests), len(answers)) - 1]
                if isinstance(answer, bytes):
                    writer.write(answer)
                else:
                    await answer(server, reader, writer)
        server.closed.set()
        writer.close()

    listening = await asyncio.start_server(converse, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    transport = PeerTransport(ssl.create_default_context(), keepalive_seconds=60)
    async with open_client(
        f"http://127.0.0.1:{server.port}", timeout_seconds=0.5, transport=transport
    ) as client:
        yield server, client
    listening.close()


def _then_close(data: bytes) -> Answer:
    async def answer(_: _Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return answer


async def test_a_connection_is_used_again() -> None:
    async with _serving(OK) as (server, client):
        for number in range(3):
            response = await client.put(f"/messages/{number}?a=b", json={"said": "é"})
            assert (response.status_code, response.reason_phrase, response.text) == (200, "OK", "ok")
    assert server.connections == 1
    assert server.requests[2].startswith(b"PUT /messages/2?a=b HTTP/1.1\r\n")
    assert server.requests[2].endswith('\r\n\r\n{"said":"é"}'.encode())


async def test_a_body_comes_in_chunks_in_parts_and_until_the_end() -> None:
    chunked = CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    until_the_end = _then_close(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    async with _serving(chunked, _byte_by_byte, until_the_end) as (server, client):
        assert (await client.get("/")).text == "abcde"
        assert (await client.get("/")).text == "ok"
        assert (await client.get("/")).text == "all of it"
    assert server.connections == 1


async def _byte_by_byte(_: _Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for number in range(len(OK)):
        writer.write(OK[number : number + 1])
        await writer.drain()
        await asyncio.sleep(0)


async def test_responses_without_a_body_and_before_the_real_one() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nX-Last: 1\r\n\r\n"
    length_only = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
    async with _serving(early, length_only, OK) as (_, client):
        response = await client.get("/")
        assert (response.status_code, dict(response.headers)) == (204, {"x-last": "1"})
        assert (await client.head("/")).headers["content-length"] == "99"
        assert (await client.get("/")).text == "ok"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_then_close(b""), httpx.RemoteProtocolError),
        (_then_close(b"HTTP/1.1 200 OK\r\nContent-Le"), httpx.RemoteProtocolError),
        (_then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), httpx.RemoteProtocolError),
        (_then_close(CHUNKED + b"9\r\nok"), httpx.RemoteProtocolError),
        (b"<html>We are back soon</html>\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 101 Other\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 10_000, httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", httpx.ReadTimeout),
        (b"", httpx.ReadTimeout),
    ],
)  # fmt: skip
async def test_what_is_no_whole_response_is_an_error_of_httpx(answer: Any, error: type[Exception]) -> None:
    async with _serving(answer, OK) as (_, client):
        with pytest.raises(error):
            await client.get("/")
        assert (await client.get("/")).text == "ok"  # on another connection


async def test_more_than_was_asked_for_never_answers_the_next_request() -> None:
    async def late(_: _Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale")

    for answer in (OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale", OK + b"rubbish", late):
        async with _serving(answer, OK) as (server, client):
            assert (await client.get("/")).text == "ok"
            await asyncio.sleep(0.1)
            assert (await client.get("/")).text == "ok"
        assert server.connections == 2


async def test_a_server_that_wants_to_close_is_not_asked_on_that_connection_again() -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with _serving(closing) as (server, client):
        for _ in range(2):
            await client.get("/")
    assert server.connections == 2


async def test_an_idle_connection_that_was_closed_is_replaced() -> None:
    async with _serving(_then_close(OK)) as (server, client):
        for _ in range(2):
            assert (await client.get("/")).text == "ok"
            await asyncio.sleep(0.05)
    assert server.connections == 2


async def test_a_cancelled_call_ends_its_connection() -> None:
    async with _serving(b"", OK) as (server, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.get("/")
        await asyncio.wait_for(server.closed.wait(), 5)
        assert (await client.get("/")).text == "ok"


async def test_a_response_that_does_not_end_fills_no_memory() -> None:
    written = 0

    async def endless(_: _Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    async with _serving(endless) as (_, client), client.stream("GET", "/") as response:
        chunks = response.aiter_bytes()
        await anext(chunks)
        await asyncio.sleep(0.3)
        before = written
        await asyncio.sleep(0.3)
        assert written == before  # the server waits
        assert await anext(chunks)


async def test_nobody_there_and_no_such_name_are_connect_errors() -> None:
    transport = PeerTransport(ssl.create_default_context(), 60)
    for url in ("http://127.0.0.1:9/", "https://127.0.0.1:9/", "http://nobody.invalid/"):
        async with httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(url)


async def test_tls_is_spoken_with_servers_that_are_trusted_only(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path, "ours")

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)

    tls = authority.server_context(tmp_path)
    listening = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    trusting = ssl.create_default_context(cafile=authority.certificate)
    async with httpx.AsyncClient(transport=PeerTransport(trusting, 60)) as client:
        assert (await client.get(url)).text == "ok"
    async with httpx.AsyncClient(transport=PeerTransport(ssl.create_default_context(), 60)) as client:
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.get(url)
    listening.close()


async def test_a_host_with_several_addresses_is_reached_at_the_one_that_answers() -> None:
    async with _serving(OK) as (server, client):
        assert (await client.get(f"http://localhost:{server.port}/")).text == "ok"


async def test_the_first_byte_is_told_before_it_leaves() -> None:
    async with _serving(OK) as (server, client):

        async def refuse(step: str, _: Any) -> None:
            if step.endswith("send_request_headers.started"):
                raise InterruptedError

        with pytest.raises(InterruptedError):
            await client.post("/", json={}, extensions={"trace": refuse})
        await asyncio.sleep(0.05)
        assert server.requests == []


async def test_a_line_break_in_a_header_is_never_sent() -> None:
    async with _serving(OK) as (server, client):
        for value in ("a\r\nHost: other", "a\nb", "a\0b"):
            with pytest.raises(httpx.LocalProtocolError):
                await client.get("/", headers={"X-Value": value})
        assert server.requests == []


async def test_a_large_request_waits_for_a_slow_server() -> None:
    async with _serving(OK) as (server, client):
        await client.post("/", content=b"x" * 8_000_000)
        assert len(server.requests[0]) > 8_000_000
