"""What a connection that is answered at uvicorn's protocol leaves behind: nothing, however it ends.

Decision 0179.
"""

import asyncio
import gc
import json
from collections.abc import Iterator

import pytest
import uvloop

from ava_common.http_protocol import HttpProtocol
from ava_local.testing.waiting import eventually

from .served_cups import request, served

ENDS = {
    "answered": request(),
    "refused at once": request(body=b"missing"),
    "refused later": request(body=b"missing later"),
    "broken later": request(body=b"broken later"),
    "left to the framework": request(body=b'{"name":"slow"}'),
    "gone before the body": request()[:-3],
    "gone before the answer": request(body=b"slow"),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def connections() -> list[HttpProtocol]:
    return [found for found in gc.get_objects() if isinstance(found, HttpProtocol)]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("sent", ENDS.values(), ids=ENDS)
async def test_a_connection_that_is_over_leaves_nothing_to_the_garbage_collector(sent: bytes) -> None:
    async with served(HttpProtocol) as cups:
        before = len(connections())
        _, writer = await asyncio.open_connection("127.0.0.1", cups.port)
        writer.write(sent)
        await eventually(lambda: len(connections()) > before)
        await asyncio.sleep(0.05)
        writer.close()
        await eventually(lambda: not cups.server.server_state.connections)
        cups.kitchen.is_open.set()
        await eventually(lambda: len(connections()) == before)


async def test_an_idle_connection_keeps_no_body() -> None:
    async with served(HttpProtocol) as cups:
        reader, writer = await asyncio.open_connection("127.0.0.1", cups.port)
        writer.write(request())
        await reader.readuntil(b'{"name":"fast"}')
        (connection,) = cups.server.server_state.connections
        assert isinstance(connection, HttpProtocol)
        assert connection.cycle.body == b""
        writer.close()


def test_an_answer_to_a_connection_that_was_closed_meanwhile_is_no_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With the event loop of the services: a closed transport of uvloop raises."""

    async def closed_meanwhile() -> None:
        async with served(HttpProtocol) as cups:
            reader, writer = await asyncio.open_connection("127.0.0.1", cups.port)
            writer.write(request(body=b"slow") + request() + b"\x00garbage\r\n\r\n")
            assert (await reader.read(-1)).startswith(b"HTTP/1.1 400")
            cups.kitchen.is_open.set()
            await asyncio.sleep(0.05)
            writer.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(closed_meanwhile())
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["status"] for line in lines if line["event"] == "request"] == [200]
    assert [line for line in lines if line["level"] == "error"] == []


async def test_what_a_stop_has_waited_for_too_long_is_answered_and_logged(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with served(HttpProtocol, timeout_graceful_shutdown=0.2) as cups:
        reader, writer = await asyncio.open_connection("127.0.0.1", cups.port)
        writer.write(request(body=b"slow"))
        await eventually(lambda: cups.kitchen.seen == 1)
    await asyncio.sleep(0)
    logged = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["status"] for line in logged if line["event"] == "request"] == [500]
    answer = await asyncio.wait_for(reader.read(-1), 5)
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"urn:ava:problem:internal-error" in answer
    writer.close()
