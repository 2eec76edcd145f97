"""Which passwords are accepted, and why the others are refused."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_auth.password_policy import violations

from .conftest import new_email

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
        ("ava12345", "most common passwords"),
        ("ａｖａ１２３４５", "most common passwords"),
        ("１２３４５６７８", "pattern"),
        ("ｐａｓｓｗｏｒｄ", "most common passwords"),
        ("with a \x07 bell in it", "cannot be typed"),
    ],
)
def test_a_guessable_password_is_refused_with_the_reason(password: str, words: str) -> None:
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
        "havana-cigar-9",
        "пароль от дачи 🌻",
        "ü" * 18 + "-and-more-of-it-here",
    ],
)
def test_a_password_that_is_hard_to_guess_is_accepted(password: str) -> None:
    assert violations(password, EMAIL) == []


@given(st.text(max_size=100), st.text(max_size=50))
def test_any_text_can_be_judged(password: str, email: str) -> None:
    assert all(isinstance(violation, str) for violation in violations(password, email))


async def test_the_refusal_names_the_field_and_never_the_password(client: httpx.AsyncClient) -> None:
    refused = await client.post("/auth/signup", json={"email": new_email(), "password": "Passw0rd!"})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:ava:problem:password-refused")
    assert refused.json()["errors"][0]["pointer"] == "#/password"
    assert "Passw0rd!" not in refused.text
