"""The client of the Graph API: what is known of a call that has no good answer, by whether it has left."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import httpx
import pytest

from ava_local.ports import free_port
from ava_whatsapp_gateway.cloud_api import client as cloud_api
from ava_whatsapp_gateway.cloud_api.client import NotSent, Outcome, Unknown
from ava_whatsapp_gateway.cloud_api.errors import Verdict

pytestmark = pytest.mark.usefixtures("processes")

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


@asynccontextmanager
async def graph(answer: Answer) -> AsyncIterator[httpx.AsyncClient]:
    """A Graph API that reads a request and answers in its own way."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        yield client
    server.close()


async def outcome_of(
    client: httpx.AsyncClient, *, timeout_seconds: float = 30.0, latest: float = float("inf")
) -> Outcome:
    message = cloud_api.TextMessage(uuid4(), "4915112345678", None, "hi")
    return await cloud_api.send_text(client, "/messages", message, timeout_seconds, latest)


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def test_an_answer_that_comes_byte_by_byte_does_not_outlast_the_lease() -> None:
    async with graph(drip) as client, asyncio.timeout(60):
        assert isinstance(await outcome_of(client, timeout_seconds=0.5), Unknown)


async def test_an_answer_without_an_end_is_read_up_to_a_limit() -> None:
    async with graph(flood) as client, asyncio.timeout(60):
        assert await outcome_of(client) == Unknown("_TooLong")


@pytest.mark.parametrize("answer", [hang, cut])
async def test_what_has_left_and_has_no_answer_is_unknown(answer: Answer) -> None:
    async with graph(answer) as client:
        assert isinstance(await outcome_of(client, timeout_seconds=1.0), Unknown)


async def test_what_never_reached_the_wire_is_not_sent() -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{free_port()}", trust_env=False) as client:
        assert isinstance(await outcome_of(client), NotSent)
    async with graph(hang) as client:
        # As after a SIGSTOP: the time is over before the connection is made.
        assert isinstance(await outcome_of(client, timeout_seconds=-1.0), NotSent)


async def test_a_process_that_stood_still_beyond_its_lease_does_not_call() -> None:
    reached = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()

    async with graph(answer) as client:
        latest = asyncio.get_running_loop().time() - 0.001
        outcome = await outcome_of(client, latest=latest)
        assert isinstance(outcome, NotSent)
        assert outcome.detail == cloud_api.TOO_LATE
        time.sleep(0.05)  # noqa: ASYNC251 - as if it were standing still
        await asyncio.sleep(0.05)
        assert not reached.is_set()


@asynccontextmanager
async def slow_to_read(seconds: float) -> AsyncIterator[httpx.AsyncClient]:
    """A Graph API that reads nothing for a while, asked with headers that no buffer holds."""
    bodies: list[bytes] = []
    talks: list[asyncio.Task[None] | None] = []
    over = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), seconds)
        with suppress(ConnectionError):
            bodies.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    headers = {"x-long": "x" * 2**24}
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, headers=headers) as client:
        yield client
    over.set()
    await asyncio.gather(*filter(None, talks))
    server.close()
    assert not any(b"biz_opaque_callback_data" in body for body in bodies)


async def test_a_request_that_is_cut_before_its_body_cannot_have_been_accepted() -> None:
    async with slow_to_read(3600) as client:
        outcome = await outcome_of(client, timeout_seconds=0.5)
    assert isinstance(outcome, NotSent)


async def test_a_process_that_stood_still_between_headers_and_body_sends_no_body() -> None:
    async with slow_to_read(0.5) as client:
        outcome = await outcome_of(client, latest=asyncio.get_running_loop().time() + 0.3)
    assert isinstance(outcome, NotSent)
    assert outcome.detail == cloud_api.TOO_LATE


def answering(status: int, body: bytes) -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body)
        await writer.drain()

    return answer


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, b'{"error": {"code": 502, "message": "try again", "status": "UNAVAILABLE"}}'),
        (403, b'{"error": {"code": 403, "message": "Forbidden"}}'),
        (503, b'{"error": {"code": "503"}}'),
        (503, b'{"error": {"message": "no healthy upstream"}}'),
        (500, b'{"error": {"code": -32603, "message": "Internal error"}}'),
        (504, b'{"error": {"code": "GATEWAY_TIMEOUT"}}'),
        (404, b'{"error": "Not Found"}'),
        (400, b'{"error": {"code": null}}'),
        (400, b'{"error": {"code": true}}'),
    ],
)
async def test_an_error_document_of_something_in_between_is_not_graphs_word(status: int, body: bytes) -> None:
    """A message is not given up because a load balancer writes its errors as JSON, too."""
    async with graph(answering(status, body)) as client:
        assert await outcome_of(client) == Unknown(f"{status} without an error document")
        assert await cloud_api.ask_about_number(client, "/v25.0/106540352242922", 10.0) is None


async def test_a_code_written_as_text_is_that_code() -> None:
    async with graph(answering(401, b'{"error": {"code": "190", "error_subcode": "463"}}')) as client:
        outcome = await outcome_of(client)
    assert isinstance(outcome, NotSent)
    assert (outcome.verdict, outcome.code, outcome.answered) == (Verdict.CREDENTIAL, 190, True)


@pytest.mark.parametrize(
    ("body", "alive"),
    [
        (b'{"id": "106540352242922"}', True),
        (b'{"error": {"code": 190}}', True),
        (b"<html>Sorry</html>", False),
        (b"[]", False),
        (b"{}", False),
    ],
)
async def test_graph_is_back_when_it_answers_with_a_document_of_its_own(body: bytes, alive: bool) -> None:
    async with graph(answering(200, body)) as client:
        answer = await cloud_api.ask_about_number(client, "/v25.0/106540352242922", 10.0)
        assert (answer is not None) is alive
