"""Passwords known from data breaches are refused, where a breach search is configured."""

import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from .conftest import OpenService, new_email
from .fake_peers import serving

BREACHED = "treehouse lantern 9"


@pytest.fixture
async def breaches() -> AsyncIterator[str]:
    """A range search that knows one password, and pads its answers as the real one does."""
    digest = hashlib.sha1(BREACHED.encode(), usedforsecurity=False).hexdigest().upper()

    async def answer(request: Request) -> PlainTextResponse:
        prefix = request.path_params["prefix"]
        known = f"{digest[5:]}:42\r\n" if prefix == digest[:5] else ""
        padding = hashlib.sha1(b"another lantern 9", usedforsecurity=False).hexdigest().upper()[5:]
        return PlainTextResponse(f"{known}{padding}:0\r\n")

    app = Starlette(routes=[Route("/range/{prefix}", answer)])
    async with serving(app) as url:
        yield url


async def test_a_breached_password_is_refused_where_that_is_configured(
    open_service: OpenService, client: httpx.AsyncClient, breaches: str
) -> None:
    form = {"email": new_email(), "password": BREACHED}
    async with open_service(breached_passwords_url=breaches) as checking:
        refused = await checking.post("/auth/signup", json=form)
        assert (refused.status_code, "breach" in refused.json()["detail"]) == (422, True)
        other = await checking.post("/auth/signup", json=form | {"password": "another lantern 9"})
        assert other.status_code == 202
    assert (await client.post("/auth/signup", json=form)).status_code == 202  # off by default


async def test_sign_up_works_while_the_breach_search_is_away(open_service: OpenService) -> None:
    async with open_service(breached_passwords_url="http://127.0.0.1:9") as client:
        form = {"email": new_email(), "password": BREACHED}
        assert (await client.post("/auth/signup", json=form)).status_code == 202
