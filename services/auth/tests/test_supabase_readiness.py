"""Whatever is wrong with Supabase Auth or a key is told by /readyz in words, and the service goes on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .conftest import SECRET, OpenService
from .fake_peers import serving

GOTRUE = JSONResponse({"name": "GoTrue", "version": "v2"})
NO_USER = JSONResponse({"code": 404, "error_code": "user_not_found", "msg": "User not found"}, 404)
REFUSED = JSONResponse({"message": "Invalid API key"}, 401)


@asynccontextmanager
async def project(health: Response, user: Response) -> AsyncIterator[str]:
    """A project that answers the health check and the question for an account like this."""

    async def answer(request: Request) -> Response:
        return health if request.url.path == "/auth/v1/health" else user

    async with serving(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        yield url


async def degraded(client: httpx.AsyncClient) -> str:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    [found] = answer.json()["errors"]
    assert found["pointer"] == "accounts"
    assert SECRET not in answer.text
    return str(found["detail"])


async def test_with_both_keys_accepted_it_is_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("health", "user", "words"),
    [
        (REFUSED, NO_USER, "Supabase refuses SUPABASE_PUBLISHABLE_KEY"),
        (GOTRUE, REFUSED, "Supabase refuses SUPABASE_SECRET_KEY"),
        (GOTRUE, JSONResponse({"error_code": "not_admin"}, 403), "Supabase refuses SUPABASE_SECRET_KEY"),
        (Response("paused", 540), NO_USER, "the Supabase project is paused"),
        (Response("<h1>Welcome</h1>", media_type="text/html"), NO_USER, "is not Supabase Auth"),
        (JSONResponse({"status": "ok"}), NO_USER, "is not Supabase Auth"),
        (JSONResponse([]), NO_USER, "is not Supabase Auth"),
        (Response("bad gateway", 502), NO_USER, "answers 502"),
        (GOTRUE, Response("bad gateway", 502), "answers 502"),
    ],
)
async def test_what_is_wrong_with_the_project_is_told(
    open_service: OpenService, health: Response, user: Response, words: str
) -> None:
    async with project(health, user) as url, open_service(supabase_url=url) as client:
        assert words in await degraded(client)
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://no-such-project.invalid"])
async def test_a_project_that_cannot_be_reached_is_told(open_service: OpenService, url: str) -> None:
    async with open_service(supabase_url=url) as client:
        assert (
            await degraded(client)
            == f"SUPABASE_URL ({url}) cannot be reached: check its spelling, or the network"
        )


async def test_a_key_that_the_project_does_not_know_is_told(open_service: OpenService) -> None:
    async with open_service(supabase_secret_key="sb_secret_of-another-project") as client:
        assert "SUPABASE_SECRET_KEY" in await degraded(client)
    async with open_service(supabase_publishable_key="sb_publishable_of-another-project") as client:
        assert "SUPABASE_PUBLISHABLE_KEY" in await degraded(client)


async def test_what_is_found_is_logged_once_per_change(
    open_service: OpenService, capfd: pytest.CaptureFixture[str]
) -> None:
    async with project(REFUSED, NO_USER) as url, open_service(supabase_url=url) as client:
        for _ in range(3):
            await degraded(client)
    lines = [line for line in capfd.readouterr().out.splitlines() if "readiness.changed" in line]
    assert len(lines) == 1
    assert "SUPABASE_PUBLISHABLE_KEY" in lines[0]
