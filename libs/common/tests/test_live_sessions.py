"""What another service's answer about a session means; whatever is not clearly a yes refuses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


async def test_no_answer_refuses() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as client:
        with pytest.raises(SessionsUnavailable):
            await RemoteSessionCheck(client, "/lives").require_live(CALLER)
