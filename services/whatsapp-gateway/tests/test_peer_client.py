"""The client of a peer says what httpx's would say, and refuses what it leaves out."""

import gzip
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ava_common.caller import Caller
from ava_common.http_client import on_behalf_of
from ava_common.tracing import current_trace, new_trace
from ava_whatsapp_gateway.peers.client import PeerClient
from ava_whatsapp_gateway.peers.transport import PeerTransport

from .scripted_server import OK, serving


def head(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def test_a_call_carries_what_is_said_the_callers_token_and_the_trace() -> None:
    said = {"content": "é \U0001f600", "at": None}
    async with serving(OK) as (server, client):
        with new_trace(request="r-1"):
            auth = on_behalf_of(Caller(uuid4(), "the-token", 0))
            response = await client.put("/messages/1", json=said, params={"a": "b c"}, auth=auth)
            traceparent = current_trace().traceparent
    assert (response.status_code, response.text, response.request.method) == (200, "ok", "PUT")
    request = server.requests[0]
    assert request.startswith(b"PUT /messages/1?a=b+c HTTP/1.1\r\n")
    assert json.loads(request.partition(b"\r\n\r\n")[2]) == said
    assert (
        head(request).items()
        >= {
            "authorization": "Bearer the-token",
            "content-type": "application/json",
            "traceparent": traceparent,
            "x-request-id": "r-1",
        }.items()
    )


async def test_outside_of_a_trace_none_is_carried() -> None:
    async with serving(OK) as (server, client):
        await client.get("/")
    assert not head(server.requests[0]).keys() & {"traceparent", "x-request-id", "content-type"}


@pytest.mark.parametrize("before", ["", "/", "/v1", "/v1/"])
@pytest.mark.parametrize(
    "path", ["/messages", "messages", "@elsewhere.example/", "http://elsewhere.example/"]
)
async def test_every_path_is_one_of_the_peers_address(before: str, path: str) -> None:
    async with serving(OK) as (server, _):
        transport = PeerTransport(ssl.create_default_context(), 60)
        async with PeerClient(f"http://127.0.0.1:{server.port}{before}", transport, 5.0) as client:
            assert (await client.get(path)).text == "ok"
    asked = f"{before.rstrip('/')}/{path.lstrip('/')}"
    assert server.requests[0].startswith(f"GET {asked} HTTP/1.1\r\n".encode())
    assert head(server.requests[0])["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "option",
    [
        {"data": {"a": "b"}},
        {"files": {"a": b"b"}},
        {"cookies": {"a": "b"}},
        {"timeout": 9.0},
        {"timeout": None},
    ],
)
async def test_an_option_that_would_be_lost_is_refused(option: dict[str, Any]) -> None:
    async with serving(OK) as (server, client):
        with pytest.raises(TypeError):
            client.build_request("POST", "/", **option)
    assert server.requests == []


async def test_a_compressed_body_is_read() -> None:
    body = gzip.compress(b'{"id": "1"}')
    length = f"Content-Length: {len(body)}\r\n".encode()
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + length + b"\r\n" + body) as (
        _,
        client,
    ):
        assert (await client.get("/")).json() == {"id": "1"}


async def test_a_body_in_parts_is_no_request() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"

    async with serving(OK) as (server, _):
        transport = PeerTransport(ssl.create_default_context(), 60)
        async with httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(httpx.LocalProtocolError):
                await client.post(f"http://127.0.0.1:{server.port}/", content=parts())
    assert server.requests == []


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("PUT", "0"), ("POST", "0"), ("PATCH", "0")])
async def test_a_request_without_a_body_says_so(method: str, length: str | None) -> None:
    async with serving(OK) as (server, client):
        await client.request(method, "/")
    assert head(server.requests[0]).get("content-length") == length


async def test_a_header_that_is_no_ascii_is_never_sent() -> None:
    async with serving(OK) as (server, client):
        for value in (b"\xff", "é".encode()):
            with pytest.raises(httpx.LocalProtocolError):
                await client.get("/", headers={b"X-Value": value})
    assert server.requests == []
