"""The transport under httpx, against servers that answer in every wrong way, or not at all."""

import asyncio
import ssl
from contextlib import suppress
from typing import Any

import httpx
import pytest

from ava_whatsapp_gateway.peers.transport import PeerTransport

from .scripted_server import (
    CHUNKED,
    OK,
    STALE,
    Answer,
    ScriptedServer,
    in_parts,
    serving,
    then_close,
    then_reset,
)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (then_close(b""), httpx.RemoteProtocolError),
        (then_close(b"HTTP/1.1 200 OK\r\nContent-Le"), httpx.RemoteProtocolError),
        (then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), httpx.ReadError),
        (then_close(CHUNKED + b"9\r\nok"), httpx.ReadError),
        (in_parts(CHUNKED + b"2\r\nok\r\n", b"not a length\r\n"), httpx.ReadTimeout),
        (CHUNKED + b"not a length\r\n", httpx.RemoteProtocolError),
        (then_reset(b""), httpx.ReadError),
        (then_reset(b"HTTP/1.1 200 OK\r\nContent-Le"), httpx.ReadError),
        (then_reset(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), httpx.ReadError),
        (OK + b"rubbish", httpx.RemoteProtocolError),
        (b"<html>We are back soon</html>\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 101 Other\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 10_000, httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 100_000, httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", httpx.ReadTimeout),
        (b"", httpx.ReadTimeout),
    ],
)  # fmt: skip
async def test_what_is_no_whole_response_is_an_error_of_httpx(answer: Any, error: type[Exception]) -> None:
    async with serving(answer, OK) as (_, client):
        with pytest.raises(error):
            await client.get("/")
        assert (await client.get("/")).text == "ok"  # on another connection


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("first", [OK, CHUNKED + b"2\r\nok\r\n0\r\n\r\n"])
@pytest.mark.parametrize("more", [STALE, b"HTTP/1.1 100 Continue\r\n\r\n" + STALE, STALE * 2])
async def test_more_than_was_asked_for_never_answers_the_next_request(
    first: bytes, more: bytes, late: bool
) -> None:
    answer = in_parts(first, more) if late else first + more
    async with serving(answer, OK) as (server, client):
        for method in ("POST", "PUT", "GET"):
            assert (await client.request(method, "/")).text == "ok"
            await server.answered.wait()
    assert (server.connections, len(server.requests)) == (2, 3)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("broken", [then_close(b""), then_reset(b"")])
async def test_no_call_is_repeated(method: str, broken: Answer) -> None:
    async with serving(OK, broken, OK) as (server, client):
        await client.request("POST", "/")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.request(method, "/")
        assert (server.connections, len(server.requests)) == (1, 2)


async def test_a_server_that_wants_to_close_is_not_asked_on_that_connection_again() -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with serving(closing) as (server, client):
        for _ in range(2):
            await client.get("/")
    assert server.connections == 2


async def test_an_idle_connection_that_was_closed_is_replaced() -> None:
    async with serving(then_close(OK)) as (server, client):
        for _ in range(2):
            assert (await client.get("/")).text == "ok"
            await asyncio.sleep(0.05)
    assert server.connections == 2


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"])
async def test_a_cancelled_call_ends_its_connection(begun: bytes) -> None:
    async with serving(begun, OK) as (server, client):
        call = asyncio.create_task(client.get("/"))
        await server.answered.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(server.closed.wait(), 5)
        assert (await client.get("/")).text == "ok"


async def test_a_response_that_does_not_end_fills_no_memory() -> None:
    written = 0

    async def endless(_: ScriptedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            written += 65536

    async with serving(endless) as (_, client), client.stream("GET", "/") as response:
        chunks = response.aiter_bytes()
        await anext(chunks)
        await asyncio.sleep(0.3)
        before = written
        await asyncio.sleep(0.3)
        assert written == before  # the server waits
        assert await anext(chunks)


async def test_nobody_there_and_no_such_name_are_connect_errors() -> None:
    async with httpx.AsyncClient(transport=PeerTransport(ssl.create_default_context(), 60)) as client:
        for url in ("http://127.0.0.1:9/", "https://127.0.0.1:9/", "http://nobody.invalid/"):
            with pytest.raises(httpx.ConnectError):
                await client.get(url)
        for url in ("ftp://127.0.0.1/", "http:///messages"):
            with pytest.raises(httpx.UnsupportedProtocol):
                await client.get(url)


async def test_a_server_that_reads_nothing_is_a_timeout_of_writing() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    listening = await asyncio.start_server(converse, "127.0.0.1", 0, limit=1024)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    transport = PeerTransport(ssl.create_default_context(), 60)
    async with httpx.AsyncClient(transport=transport, timeout=0.1) as client:
        with pytest.raises(httpx.WriteTimeout):
            await client.post(url, content=b"x" * 50_000_000)
    listening.close()


async def test_a_server_that_does_not_greet_is_a_timeout_of_connecting() -> None:
    transport = PeerTransport(ssl.create_default_context(), 60)
    async with serving(b"") as (server, _), httpx.AsyncClient(transport=transport, timeout=0.5) as client:
        with pytest.raises(httpx.ConnectTimeout):
            await client.get(f"https://127.0.0.1:{server.port}/")


@pytest.mark.parametrize("banner", [b"220 mail ESMTP\r\n", STALE])
async def test_a_server_that_speaks_first_is_not_believed(banner: bytes) -> None:
    connections = 0

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(banner)
        await asyncio.sleep(0.2)
        writer.close()

    listening = await asyncio.start_server(converse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    async with httpx.AsyncClient(transport=PeerTransport(ssl.create_default_context(), 60)) as client:
        with suppress(httpx.TransportError):  # without, when the banner came after the request
            assert (await client.get(url)).text == "stale"
    assert connections <= 2
    listening.close()
