"""Which passwords are taken, and what is said about the others."""

import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ava_auth.password_policy import violations

from .conftest import OpenService, new_email
from .fake_peers import serving

EMAIL = "anna.schmidt@people.example"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short-1", "at least 8 characters"),
        ("ü" * 37, "at most 72 bytes"),
        ("password", "most common passwords"),
        ("Passw0rd!", "most common passwords"),
        ("P@ssw0rd2024", "most common passwords"),
        ("Sommer2026!", "most common passwords"),
        ("1qaz2wsx!!", "most common passwords"),
        ("iloveyou<3", "most common passwords"),
        ("qwertyuiop[]", "pattern"),
        ("abcdefgh12", "pattern"),
        ("zzzzzzzzzz", "pattern"),
        ("passwordpassword", "pattern"),
        ("anna.schmidt", "your e-mail address"),
        ("Anna.Schmidt1990", "your e-mail address"),
        (EMAIL, "your e-mail address"),
        ("with a \x07 bell in it", "cannot be typed"),
    ],
)
def test_a_guessable_password_is_refused_in_words(password: str, words: str) -> None:
    assert any(words in violation for violation in violations(password, EMAIL))


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "kX9#mPq2",
        "quiet-harbour-7",
        "a sentence about football",
        "Ada-Lovelace-1843",
        "zwölf Boxkämpfer jagen",
        "пароль от дачи 🌻",
        "ü" * 18 + "-and-more-of-it-here",
    ],
)
def test_a_password_nobody_would_guess_is_taken(password: str) -> None:
    assert violations(password, EMAIL) == []


@given(st.text(max_size=100), st.text(max_size=50))
def test_no_text_breaks_the_rules(password: str, email: str) -> None:
    assert all(isinstance(violation, str) for violation in violations(password, email))


@pytest.mark.parametrize("path", ["/auth/signup"])
async def test_the_refusal_names_the_field_and_never_the_password(
    client: httpx.AsyncClient, path: str
) -> None:
    refused = await client.post(path, json={"email": new_email(), "password": "Passw0rd!"})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:ava:problem:password-refused")
    assert refused.json()["errors"][0]["pointer"] == "#/password"
    assert "Passw0rd!" not in refused.text


BREACHED = "treehouse lantern 9"


@pytest.fixture
async def breaches() -> AsyncIterator[str]:
    """A range search that knows one password, and pads its answers as the real one does."""
    digest = hashlib.sha1(BREACHED.encode(), usedforsecurity=False).hexdigest().upper()

    async def answer(request: object) -> PlainTextResponse:
        prefix = request.path_params["prefix"]  # type: ignore[attr-defined]
        known = f"{digest[5:]}:42\r\n" if prefix == digest[:5] else ""
        padding = hashlib.sha1(b"another lantern 9", usedforsecurity=False).hexdigest().upper()[5:]
        return PlainTextResponse(f"{known}{padding}:0\r\n")

    app = Starlette(routes=[Route("/range/{prefix}", answer)])
    async with serving(app) as url:
        yield url


async def test_a_breached_password_is_refused_where_that_is_checked(
    open_service: OpenService, client: httpx.AsyncClient, breaches: str
) -> None:
    form = {"email": new_email(), "password": BREACHED}
    async with open_service(breached_passwords_url=breaches) as checking:
        refused = await checking.post("/auth/signup", json=form)
        assert (refused.status_code, "breach" in refused.json()["detail"]) == (422, True)
        other = await checking.post("/auth/signup", json=form | {"password": "another lantern 9"})
        assert other.status_code == 202
    assert (await client.post("/auth/signup", json=form)).status_code == 202  # off by default


async def test_nobody_is_kept_out_while_the_breach_search_is_away(open_service: OpenService) -> None:
    async with open_service(breached_passwords_url="http://127.0.0.1:9") as client:
        form = {"email": new_email(), "password": BREACHED}
        assert (await client.post("/auth/signup", json=form)).status_code == 202
