"""What another service's answer about a session means; whatever is not clearly a yes refuses."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ava_common.caller import Caller
from ava_common.database import AccountGone
from ava_common.live_sessions import RemoteSessionCheck, SessionEnded, SessionsUnavailable
from ava_common.problems import Problem
from ava_common.token_verifier import InvalidToken
from ava_local.ports import free_port
from ava_local.testing.running_app import client_of

CALLER = Caller(uuid4(), "a.b.c", 2_000_000_000)
ANSWERS: dict[str, tuple[Response, type[Problem]]] = {
    "ended": (JSONResponse({"type": "urn:ava:problem:session-ended"}, 401), SessionEnded),
    "gone": (JSONResponse({"type": "urn:ava:problem:account-gone"}, 401), AccountGone),
    "expired": (JSONResponse({"type": "urn:ava:problem:invalid-token"}, 401), InvalidToken),
    "another 401": (JSONResponse({"type": "urn:ava:problem:not-signed-in"}, 401), SessionsUnavailable),
    "too many": (JSONResponse({"type": "urn:ava:problem:too-many-attempts"}, 429), SessionsUnavailable),
    "a 401 of a proxy": (PlainTextResponse("Unauthorized", 401), SessionsUnavailable),
    "a 401 that is a list": (JSONResponse([], 401), SessionsUnavailable),
    "a 401 without a type": (JSONResponse({}, 401), SessionsUnavailable),
    "a page": (PlainTextResponse("<html>", 200), SessionsUnavailable),
    "not found": (JSONResponse({"type": "urn:ava:problem:not-found"}, 404), SessionsUnavailable),
    "away": (PlainTextResponse("", 503), SessionsUnavailable),
}


@asynccontextmanager
async def answering(answer: Response) -> AsyncIterator[tuple[RemoteSessionCheck, list[Request]]]:
    asked: list[Request] = []

    async def route(request: Request) -> Response:
        asked.append(request)
        return answer

    async with client_of(Starlette(routes=[Route("/lives", route)])) as client:
        yield RemoteSessionCheck(client, "/lives"), asked


async def test_a_session_that_lives_is_let_through_and_asked_about_with_the_callers_own_token() -> None:
    async with answering(Response(status_code=204)) as (sessions, asked):
        await sessions.require_live(CALLER)
    assert [request.headers["authorization"] for request in asked] == ["Bearer a.b.c"]


@pytest.mark.parametrize(("answer", "refusal"), ANSWERS.values(), ids=ANSWERS)
async def test_any_other_answer_refuses(answer: Response, refusal: type[Problem]) -> None:
    async with answering(answer) as (sessions, _):
        with pytest.raises(refusal):
            await sessions.require_live(CALLER)


async def test_a_service_that_is_restarted_is_asked_again() -> None:
    port = free_port()
    lives = Starlette(routes=[Route("/lives", lambda _: Response(status_code=204))])
    server = uvicorn.Server(uvicorn.Config(lives, port=port, log_level="error"))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(RemoteSessionCheck(client, "/lives").require_live(CALLER))
        await asyncio.sleep(0.5)
        assert not asking.done()
        serving = tasks.create_task(server.serve())
        await asking
        server.should_exit = True
        await serving


@asynccontextmanager
async def listening(silent: int, reset: int = 0) -> AsyncIterator[str]:
    """Connections that are never answered, then some that are cut off, then a yes to each."""
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        nth = opened
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if nth <= silent:
                await reader.read()
            elif nth > silent + reset:
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(("silent", "reset"), [(1, 0), (0, 3), (1, 1)])
async def test_a_copy_that_dies_over_the_question_or_goes_dark_costs_time_alone(
    silent: int, reset: int
) -> None:
    async with listening(silent, reset) as url, httpx.AsyncClient(base_url=url) as client:
        await RemoteSessionCheck(client, "/lives").require_live(CALLER)


async def test_no_answer_refuses_and_an_outage_is_waited_for_once() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as client:
        sessions = RemoteSessionCheck(client, "/lives", patience_seconds=1)
        took = [await seconds_to_refuse(sessions) for _ in range(3)]
        await asyncio.sleep(1.1)  # nobody has asked for that long: it may be another outage
        took.append(await seconds_to_refuse(sessions))
    waited = [seconds > 0.9 for seconds in took]
    assert waited == [True, False, False, True], took


async def seconds_to_refuse(sessions: RemoteSessionCheck) -> float:
    began = time.monotonic()
    with pytest.raises(SessionsUnavailable):
        await sessions.require_live(CALLER)
    return time.monotonic() - began
