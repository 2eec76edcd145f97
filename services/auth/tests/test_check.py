"""`python -m ava_auth check`: Supabase is asked for all that can be wrong with a project, each in words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ava_auth import check
from ava_auth.settings import Settings
from ava_common.checks import Check, clock_check

from .fake_peers import serving

PROJECT = {"external": {"email": True}, "disable_signup": False, "mailer_autoconfirm": True}


@asynccontextmanager
async def project(keys: list[Any], **changes: Any) -> AsyncIterator[str]:
    """A project that accepts both keys, with these signing keys and settings."""
    documents = {"health": {"name": "GoTrue"}, "jwks.json": {"keys": keys}, "settings": PROJECT | changes}

    async def answer(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        return JSONResponse(documents[name]) if name in documents else JSONResponse({}, 404)

    async with serving(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        yield url


async def checked(settings: Settings, url: str, **changes: Any) -> dict[str, Check]:
    told = await check.supabase_checks(
        Settings.model_validate(dict(settings) | {"supabase_url": url} | changes)
    )
    return {one.name: one for one in told}


async def test_a_good_project_leaves_only_what_cannot_be_asked(settings: Settings) -> None:
    async with project([{"alg": "ES256"}]) as url:
        found = await checked(settings, url)
    notes = [name for name, one in found.items() if one.result != "ok"]
    assert notes == ["IP address forwarding", "mail links"]


@pytest.mark.parametrize(
    ("keys", "secret", "result", "words"),
    [
        ([], None, "refused", "publishes no ES256 key"),
        ([{"alg": "RS256"}], None, "refused", "publishes no ES256 key"),
        ([], "the-legacy-secret-of-the-project", "note", "HS256"),
    ],
)
async def test_the_signing_algorithm_is_told(
    settings: Settings, keys: list[Any], secret: str | None, result: str, words: str
) -> None:
    async with project(keys) as url:
        found = (await checked(settings, url, supabase_jwt_secret=secret))["signing keys"]
    assert found.result == result
    assert words in found.detail


async def test_what_keeps_people_from_signing_up_is_told(settings: Settings) -> None:
    changes = {"external": {"email": False}, "disable_signup": True, "mailer_autoconfirm": False}
    async with project([{"alg": "ES256"}], **changes) as url:
        found = await checked(settings, url)
    assert found["log-in by e-mail"].result == "refused"
    assert found["sign-up"].result == "note"
    assert "custom SMTP" in found["mail"].detail


async def test_a_project_that_is_away_is_refused(settings: Settings) -> None:
    found = await checked(settings, "http://127.0.0.1:9")
    assert found["Supabase"].result == "refused"


@pytest.mark.parametrize(("off", "result"), [(5, "ok"), (-120, "refused"), (7200, "refused")])
def test_a_clock_that_is_off_is_told(off: int, result: str) -> None:
    now = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
    request = httpx.Request("GET", "https://project.supabase.co/auth/v1/settings")
    answer = httpx.Response(200, headers={"date": "Thu, 26 Nov 2026 06:00:00 GMT"}, request=request)
    assert clock_check(answer, now + timedelta(seconds=off)).result == result
