"""What the transport under httpx does as httpx promises it."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from ava_local.testing.tls_terminator import Authority
from ava_whatsapp_gateway.peers.transport import PeerTransport

from .scripted_server import (
    CHUNKED,
    OK,
    STALE,
    in_parts,
    serving,
    then_close,
)


class _Refused(Exception):
    pass


async def test_a_connection_is_used_again() -> None:
    async with serving(OK) as (server, client):
        for number in range(3):
            response = await client.put(f"/messages/{number}?a=b", json={"said": "é"})
            assert (response.status_code, response.reason_phrase, response.text) == (200, "OK", "ok")
    assert server.connections == 1
    assert server.requests[2].startswith(b"PUT /messages/2?a=b HTTP/1.1\r\n")
    assert server.requests[2].endswith('\r\n\r\n{"said":"é"}'.encode())


async def test_a_body_comes_in_chunks_in_parts_and_until_the_end() -> None:
    chunked = CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    until_the_end = then_close(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    async with serving(chunked, _byte_by_byte, until_the_end) as (server, client):
        assert (await client.get("/")).text == "abcde"
        assert (await client.get("/")).text == "ok"
        assert (await client.get("/")).text == "all of it"
    assert server.connections == 1


async def _byte_by_byte(_: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for number in range(len(OK)):
        writer.write(OK[number : number + 1])
        await writer.drain()
        await asyncio.sleep(0)


async def test_responses_without_a_body_and_before_the_real_one() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nX-Last: 1\r\n\r\n"
    no_text = b"HTTP/1.1 200 \xff\xfe\r\nContent-Length: 2\r\n\r\nok"
    length_only = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
    async with serving(early, length_only, no_text) as (_, client):
        response = await client.get("/")
        assert (response.status_code, dict(response.headers)) == (204, {"x-last": "1"})
        assert (await client.head("/")).headers["content-length"] == "99"
        assert (await client.get("/")).text == "ok"


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
    transport = PeerTransport(ssl.create_default_context(), 60)
    async with serving(OK) as (server, _), httpx.AsyncClient(transport=transport) as client:
        assert (await client.get(f"http://localhost:{server.port}/")).text == "ok"


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("kept", [False, True])
async def test_the_first_byte_is_told_before_it_leaves(method: str, kept: bool) -> None:
    async with serving(OK) as (server, client):

        async def refuse(step: str, _: Any) -> None:
            if step.endswith("send_request_headers.started"):
                raise _Refused

        if kept:
            await client.get("/")
        with pytest.raises(_Refused):
            await client.request(method, "/", extensions={"trace": refuse})
        await asyncio.wait_for(server.closed.wait(), 5)  # a connection that was refused is not kept
        assert len(server.requests) == kept


async def test_the_first_byte_is_not_told_when_no_connection_was_made() -> None:
    told = list[str]()

    async def listen(step: str, _: Any) -> None:
        told.append(step)

    async with httpx.AsyncClient(transport=PeerTransport(ssl.create_default_context(), 60)) as client:
        with pytest.raises(httpx.ConnectError):
            await client.post("http://127.0.0.1:9/", extensions={"trace": listen})
    assert told == []


async def test_the_first_byte_is_told_once() -> None:
    told = list[str]()

    async def listen(step: str, _: Any) -> None:
        told.append(step)

    async with serving(in_parts(OK, STALE), OK) as (server, client):
        await client.get("/")
        await server.answered.wait()  # the connection that is there is not used
        await client.post("/", extensions={"trace": listen})
    assert told == ["http11.send_request_headers.started", "http11.send_request_body.started"]


async def test_a_line_break_in_a_header_is_never_sent() -> None:
    async with serving(OK) as (server, client):
        for value in ("a\r\nHost: other", "a\nb", "a\0b"):
            with pytest.raises(httpx.LocalProtocolError):
                await client.get("/", headers={"X-Value": value})
        assert server.requests == []


async def test_a_large_request_waits_for_a_slow_server() -> None:
    async with serving(OK) as (server, client):
        await client.post("/", content=b"x" * 8_000_000)
        assert len(server.requests[0]) > 8_000_000


async def test_neither_cookies_nor_redirects_nor_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    moved = b"HTTP/1.1 302 Found\r\nSet-Cookie: a=b\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with serving(moved) as (server, client):
        assert (await client.get("/")).status_code == 302
        client.cookies.clear()  # httpx keeps its own
        await client.get("/")
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


async def test_what_is_asked_for_arrives_as_it_was_written() -> None:
    path = "/numbers/%2B49%2F1/a%20b?fields=id,name&q=%C3%A9%26%2B&r=a+b"
    async with serving(OK) as (server, client):
        await client.post(path)
    head = server.requests[0].decode().split("\r\n")
    assert head[0] == f"POST {path} HTTP/1.1"
    assert {line.partition(":")[0].lower() for line in head if line and ":" in line} <= {
        *("host", "accept", "accept-encoding", "connection", "user-agent", "content-length"),
        *("traceparent", "x-request-id"),
    }
