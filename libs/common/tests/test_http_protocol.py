"""What is answered at uvicorn's protocol is answered as by the ASGI application, byte for byte.

Decision 0179.
"""

import ast
import asyncio
import inspect
import json
import re
import socket
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ava_common.http_protocol import HotRequest, HttpProtocol
from ava_local.testing.waiting import eventually

from . import cups_service
from .served_cups import END, request, served

_OWN = re.compile(rb"date: [^\r]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

WAY = request(line="GET /cups/way HTTP/1.1", body=b"", length=False)
CHUNKED = b'5\r\n{"nam\r\na;x=y\r\ne":"fast"}\r\n0\r\n\r\n'
LARGE_CHUNKED = b'%x\r\n{"name":"fast%b"}\r\n0\r\n\r\n' % (1_000_015, b"x" * 1_000_000)
UNUSUAL = {
    "bare": request(),
    "twice": request() * 2,
    "body in pieces": (request()[:-9], request()[-9:-3], request()[-3:]),
    "head in pieces": (request()[:9], request()[9:40], request()[40:]),
    "http/1.0": request(line="POST /cups HTTP/1.0"),
    "http/1.0 kept alive": request("Connection: keep-alive", line="POST /cups HTTP/1.0"),
    "close": request("Connection: close"),
    "chunked": request("Transfer-Encoding: chunked", body=CHUNKED, length=False),
    "chunked and long": request("Transfer-Encoding: chunked", body=CHUNKED),
    "expect": request("Expect: 100-continue"),
    "upgrade": request("Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"),
    "h2c": request("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAA"),
    "absolute": request(line="POST http://cups/cups HTTP/1.1"),
    "query": request(line="POST /cups?a=b HTTP/1.1"),
    "fragment": request(line="POST /cups#a HTTP/1.1"),
    "query and fragment": request(line="GET /cups?name=fast#a HTTP/1.1", body=b""),
    "escaped": request(line="POST /c%75ps HTTP/1.1"),
    "two slashes": request(line="POST //cups HTTP/1.1"),
    "slash": request(line="POST /cups/ HTTP/1.1"),
    "path": request(line="PUT /cups/7 HTTP/1.1"),
    "path with a line break": request(line="PUT /cups/7%0A HTTP/1.1"),
    "path with another name": request(line="PUT /cups/seven HTTP/1.1"),
    "filters": request(line="GET /cups?name=fast HTTP/1.1", body=b"", length=False),
    "other filters": request(line="GET /cups?name=x&y=%00 HTTP/1.1", body=b"", length=False),
    "filters beyond ascii": request(line="GET /cups?name=fast\xe4 HTTP/1.1", body=b"", length=False),
    "path beyond ascii": request(line="GET /c\xe4ps HTTP/1.1", body=b"", length=False),
    "long filters": request(line=f"GET /cups?name=fast{'x' * 3000} HTTP/1.1", body=b"", length=False),
    "method": request(line="DELETE /cups HTTP/1.1"),
    "method in lower case": request(line="post /cups HTTP/1.1"),
    "head": request(line="HEAD /cups?name=fast HTTP/1.1", body=b"", length=False),
    "options": request(line="OPTIONS * HTTP/1.1", body=b""),
    "no length": request(body=b"", length=False),
    "no body": request(body=b""),
    "length twice": request("Content-Length: 15"),
    "two lengths": request("Content-Length: 16"),
    "negative": request("Content-Length: -1", body=b"", length=False),
    "large": request(body=b'{"name":"fast%s"}' % (b"x" * 1_000_000)),
    "chunked and large": request("Transfer-Encoding: chunked", body=LARGE_CHUNKED, length=False),
    "largest": request(body=b'{"name":"fast%s"}' % (b"x" * (65_536 - 15))),
    "id": request("X-Request-Id: mine.1"),
    "bad id": request("X-Request-Id: no spaces"),
    "two ids": request("X-Request-Id: first", "X-Request-Id: second"),
    "empty id": request("X-Request-Id:", "X-Request-Id: second"),
    "folded": request("X-Folded: a\r\n b"),
    "nameless": request(": a"),
    "beyond ascii": request("X-Other: \xe4\xf6"),
    "zero": request("X-Other: a\x00b"),
    "unusual": request(body=b'{"name":"slow"}'),
    "unusual and more": request(body=b'{"name":"slow"}') + request() + request(body=b'{"name":1}'),
    "refused by the framework": request(body=b'{"name":1}'),
    "not json": request(body=b"{"),
    "missing": request(body=b"missing"),
    "missing later": request(body=b"missing later"),
    "broken": request(body=b"broken"),
    "broken later": request(body=b"broken later"),
    "nothing": request(body=b"nothing") * 2,
    "all at once": request() + request(body=b"missing later") + request(body=b'{"name":1}') + request(),
    "garbage after it": request() + b"\x00\x01garbage\r\n\r\n",
    "more after close": request("Connection: close") + request(),
    "line feeds": request().replace(b"\r\n", b"\n"),
    "empty lines before it": b"\r\n\r\n" + request(),
}


async def test_both_ways_answer_and_log_the_same_however_a_request_is_made(
    capfd: pytest.CaptureFixture[str],
) -> None:
    answers, lines = [], []
    for http in (HttpToolsProtocol, HttpProtocol):
        async with served(http) as cups:
            capfd.readouterr()
            said = {}
            for name, sent in UNUSUAL.items():
                said[name] = await cups.say(*(sent if isinstance(sent, tuple) else [sent]))
            answers.append({name: _OWN.sub(b"-", answer) for name, answer in said.items()})
            await asyncio.sleep(0.05)
            logged = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
            # What differs between two requests, and what the stack was.
            own = ("ms", "timestamp", "trace_id", "frames")
            lines.append([{k: _id(v) for k, v in line.items() if k not in own} for line in logged])
    for name in UNUSUAL:
        assert answers[1][name] == answers[0][name], name
    assert lines[1] == lines[0]
    assert answers[1]["bare"].startswith(b"HTTP/1.1 200 OK\r\n-\r\ncontent-length: 15\r\n")
    assert b"mine.1" in answers[1]["id"]


def _id(value: Any) -> Any:
    return _OWN.sub(b"-", value.encode()) if isinstance(value, str) else value


async def test_it_is_what_answers_the_usual_request() -> None:
    for http, way in ((HttpToolsProtocol, b"ASGI"), (HttpProtocol, b"the protocol")):
        async with served(http) as cups:
            assert way in await cups.say(WAY)


@pytest.mark.parametrize(
    "options", [{"limit_concurrency": 100}, {"root_path": "/api"}, {"ws": asyncio.Protocol}]
)
async def test_what_uvicorn_is_to_do_to_every_request_it_does(options: dict[str, Any]) -> None:
    async with served(HttpProtocol, **options) as cups:
        answer = await cups.say(WAY)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"the protocol" not in answer


async def test_head_and_body_leave_together() -> None:
    async with served(HttpProtocol) as cups:
        with socket.create_connection(("127.0.0.1", cups.port)) as connection:
            for _ in range(3):
                connection.sendall(request())
                answer = await asyncio.to_thread(connection.recv, 65_536)
                assert answer.endswith(b'{"name":"fast"}')


@pytest.mark.parametrize("http", [HttpToolsProtocol, HttpProtocol])
async def test_a_client_that_leaves_costs_nothing_and_is_logged(
    http: type[asyncio.Protocol], capfd: pytest.CaptureFixture[str]
) -> None:
    statuses: list[int] = []

    def logged(wanted: list[int]) -> bool:
        out = capfd.readouterr().out
        statuses.extend(line["status"] for line in map(json.loads, out.splitlines()) if "status" in line)
        return statuses == wanted

    async with served(http) as cups:
        for sent, wanted in ((request()[:-3], [0]), (request(body=b"slow"), [0, 200])):
            _, writer = await asyncio.open_connection("127.0.0.1", cups.port)
            writer.write(sent)
            await writer.drain()
            await eventually(lambda: cups.server.server_state.connections)
            await eventually(lambda wanted=wanted: cups.kitchen.seen == len(wanted) - 1)  # type: ignore[misc]
            await asyncio.sleep(0.02)
            writer.close()
            await eventually(lambda: not cups.server.server_state.connections)
            if cups.kitchen.seen:
                cups.kitchen.is_open.set()
            await eventually(lambda wanted=wanted: logged(wanted))  # type: ignore[misc]
        assert cups.server.server_state.total_requests == 0  # nothing was answered
        assert (await cups.say(request())).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("http", [HttpToolsProtocol, HttpProtocol])
async def test_a_stop_waits_for_what_is_under_way(http: type[asyncio.Protocol]) -> None:
    async with served(http) as cups:
        reader, writer = await asyncio.open_connection("127.0.0.1", cups.port)
        writer.write(request(body=b"slow"))
        await eventually(lambda: cups.kitchen.seen == 1)
        cups.server.should_exit = True
        await eventually(lambda: not cups.server.servers[0].is_serving())
        cups.kitchen.is_open.set()
        answer = await asyncio.wait_for(reader.read(-1), 5)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close\r\n" in answer
        assert answer.endswith(b'"slow"')
        writer.close()


async def test_an_idle_connection_is_closed_after_a_while() -> None:
    async with served(HttpProtocol, timeout_keep_alive=0.1) as cups:
        reader, writer = await asyncio.open_connection("127.0.0.1", cups.port)
        for _ in range(2):
            writer.write(request())
            await reader.readuntil(b'{"name":"fast"}')
        assert await asyncio.wait_for(reader.read(-1), 5) == b""
        writer.close()


@pytest.mark.parametrize("http", [HttpToolsProtocol, HttpProtocol])
async def test_a_slow_reader_fills_no_memory_and_gets_everything(http: type[asyncio.Protocol]) -> None:
    async with served(http) as cups:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", cups.port))
            for _ in range(40):
                connection.sendall(request(body=b"large"))
                await asyncio.sleep(0.005)
            assert cups.kitchen.seen < 20  # 300 KB each; a socket takes some, and they wait in their order
            connection.sendall(END)
            reader, _ = await asyncio.open_connection(sock=connection.dup())
            answers = await asyncio.wait_for(reader.read(-1), 20)
        assert answers.count(b"x" * cups_service.LARGE) == 40


def test_uvicorn_tells_and_asks_a_request_what_it_is_known_to() -> None:
    """A version of uvicorn that asks for more would find a hot request wanting."""
    tree = ast.parse(inspect.getsource(HttpToolsProtocol))
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self.cycle", "existing_cycle")
    }
    told = {"body", "more_body", "keep_alive", "disconnected", "response_complete", "message_event"}
    assert asked == told
    assert told - {"message_event"} < set(HotRequest.__slots__)
