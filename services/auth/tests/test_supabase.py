"""Supabase Auth away, failing or unreadable: the answer is in our own words and says when to try again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ava_auth.problems import AccountsAway, LinkSpent, TokenRefused, WrongCredentials
from ava_auth.settings import Settings
from ava_auth.supabase import SupabaseAuth
from ava_common.database import AccountGone
from ava_common.live_sessions import SessionEnded
from ava_common.token_verifier import InvalidToken

from .conftest import GATEWAY, PAGE, PASSWORD, SECRET, OpenService
from .fake_peers import serving

CREDENTIALS = {"email": "ada@example.org", "password": PASSWORD}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/auth/signup", {"json": CREDENTIALS}),
    ("POST", "/auth/login", {"json": CREDENTIALS}),
    ("POST", "/auth/session", {"json": CREDENTIALS, "headers": PAGE}),
    ("POST", "/auth/refresh", {"json": {"refresh_token": "abcdefghijkl"}}),
    ("POST", "/auth/recover", {"json": {"email": "ada@example.org"}}),
    ("POST", "/auth/resend", {"json": {"email": "ada@example.org"}}),
    ("POST", "/auth/verify", {"json": {"type": "signup", "token_hash": "0", "new_password": PASSWORD}}),
]
API_GATEWAY_ERROR = (
    401,
    "application/json",
    '{"message":"Invalid API key","hint":"Double check your Supabase key"}',
)

EMAIL, ADA, IP = "ada@example.org", UUID(int=1), "203.0.113.9"
CALLS: dict[str, Callable[[SupabaseAuth], Awaitable[object]]] = {
    "sign up": lambda supabase: supabase.sign_up(EMAIL, PASSWORD, IP),
    "log in": lambda supabase: supabase.log_in(EMAIL, PASSWORD, IP),
    "refresh": lambda supabase: supabase.refresh("abcdefghijkl", IP),
    "log out": lambda supabase: supabase.log_out("a.b.c", "local"),
    "log out everywhere": lambda supabase: supabase.log_out("a.b.c", "global"),
    "user": lambda supabase: supabase.user("a.b.c"),
    "user of a deleted account": lambda supabase: supabase.user("a.b.c"),
    "user by an expired token": lambda supabase: supabase.user("a.b.c"),
    "recover": lambda supabase: supabase.recover(EMAIL, IP),
    "resend": lambda supabase: supabase.resend(EMAIL, IP),
    "open link": lambda supabase: supabase.open_link("signup", "0", IP),
    "delete": lambda supabase: supabase.delete(ADA),
    "check standing": lambda supabase: supabase.check_standing(ADA),
    "is deleted": lambda supabase: supabase.is_deleted(ADA),
}
ENDED = ("session_not_found", "session_expired", "user_not_found", "bad_jwt", "refresh_token_already_used")
NO_MAIL = (
    *("over_email_send_rate_limit", "validation_failed", "user_not_found"),
    *("email_address_not_authorized", "email_address_invalid", "unexpected_failure"),
)
UNREPORTED = {
    "sign up": ("user_already_exists", "email_exists", "over_email_send_rate_limit"),
    "log out": ("session_not_found", "session_expired", "user_not_found"),
    "recover": NO_MAIL,
    "resend": NO_MAIL,
    "delete": ("user_not_found",),
}
REPORTED = {
    "log in": (WrongCredentials, ("invalid_credentials", "user_banned")),
    "refresh": (SessionEnded, ENDED),
    "user": (SessionEnded, ("session_not_found", "session_expired", "user_banned")),
    "user by an expired token": (InvalidToken, ("bad_jwt",)),
    "log out": (InvalidToken, ("bad_jwt",)),
    "log out everywhere": (SessionEnded, ("session_not_found", "session_expired")),
    "user of a deleted account": (AccountGone, ("user_not_found",)),
    "open link": (LinkSpent, ("otp_expired", "user_banned")),
    "check standing": (TokenRefused, ("user_not_found",)),
}


class Upstream:
    """Answers every request alike, and remembers what it was sent."""

    def __init__(self, status: int, kind: str, body: str) -> None:
        self.answer_with = Response(body, status, media_type=kind, headers={"Set-Cookie": "tracking=1"})
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answer_with


@asynccontextmanager
async def upstream(*answer: Any) -> AsyncIterator[tuple[Upstream, str]]:
    fake = Upstream(*answer)
    methods = ["GET", "POST", "PUT", "DELETE"]
    async with serving(Starlette(routes=[Route("/{path:path}", fake.__call__, methods=methods)])) as url:
        yield fake, url


@pytest.mark.parametrize(("method", "path", "request_"), REQUESTS)
async def test_while_supabase_is_away_every_route_says_when_to_try_again(
    open_service: OpenService, method: str, path: str, request_: dict[str, Any]
) -> None:
    async with open_service(supabase_url="http://127.0.0.1:9") as client:
        answer = await client.request(method, path, **request_)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:ava:problem:accounts-away")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "response",
    [
        (500, "application/json", '{"code":"unexpected_failure","message":"pq: secret detail"}'),
        (504, "application/json", '{"code":"request_timeout","message":"secret detail"}'),
        (502, "text/html", "<h1>Bad gateway: secret detail</h1>"),
        (200, "text/html", "<h1>secret detail</h1>"),
        (200, "application/json", '{"secret": "detail"}'),
        (400, "application/json", '{"code":"never_heard_of","message":"secret detail"}'),
        API_GATEWAY_ERROR,
    ],
)
async def test_what_supabase_says_is_never_repeated(open_service: OpenService, response: Any) -> None:
    async with upstream(*response) as (_, url), open_service(supabase_url=url) as client:
        for method, path, request_ in REQUESTS[:4]:
            answer = await client.request(method, path, **request_)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert "secret detail" not in answer.text
            assert "set-cookie" not in answer.headers


async def test_its_rate_limit_becomes_ours_with_a_time_to_wait(open_service: OpenService) -> None:
    response = (429, "application/json", '{"code":429,"error_code":"over_request_rate_limit","msg":"no"}')
    async with upstream(*response) as (_, url), open_service(supabase_url=url) as client:
        answer = await client.post("/auth/login", json=CREDENTIALS)
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:ava:problem:too-many-attempts")
    assert int(answer.headers["retry-after"]) > 0


async def test_no_delegated_token_is_given_while_it_is_unknown_whether_the_user_is_banned(
    open_service: OpenService,
) -> None:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ava:token-type:user-id",
        "subject_token": "3f8a1c7e-0000-4000-8000-000000000000",
    }
    async with open_service(supabase_url="http://127.0.0.1:9") as client:
        assert (await client.post("/internal/tokens", data=form, auth=GATEWAY)).status_code == 503


async def test_the_users_ip_address_is_forwarded_alone_and_with_a_secret_key(
    open_service: OpenService,
) -> None:
    """Supabase believes Sb-Forwarded-For only with a secret key, and refuses that key to browsers."""
    headers = {
        "X-Forwarded-For": "6.6.6.6, 203.0.113.9",
        "User-Agent": "Mozilla/5.0",
        "Sb-Forwarded-For": "6.6.6.6",
    }
    async with upstream(*API_GATEWAY_ERROR) as (fake, url), open_service(supabase_url=url) as client:
        for method, path, request_ in REQUESTS:
            await client.request(
                method, path, **{**request_, "headers": headers | request_.get("headers", {})}
            )
    made = [request for request in fake.requests if request.url.path != "/auth/v1/settings"]
    for request in made:
        assert request.headers["sb-forwarded-for"] == "203.0.113.9"
        assert request.headers["apikey"] == SECRET
        assert "mozilla" not in request.headers["user-agent"].lower()
        assert "cookie" not in request.headers
    assert len(made) == len(REQUESTS)


def refusing(settings: Settings, code: str) -> SupabaseAuth:
    """The client of a Supabase Auth that answers every request with this error."""

    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(422, json={"code": 422, "error_code": code, "msg": "no"})

    return SupabaseAuth(settings, httpx.AsyncClient(transport=httpx.MockTransport(refuse)))


@pytest.mark.parametrize("call", UNREPORTED)
async def test_an_error_that_is_not_reported_looks_like_success(settings: Settings, call: str) -> None:
    for code in UNREPORTED[call]:
        assert await CALLS[call](refusing(settings, code)) is None, code


@pytest.mark.parametrize("call", REPORTED)
async def test_an_error_that_is_reported_is_raised_as_our_problem(settings: Settings, call: str) -> None:
    problem, codes = REPORTED[call]
    for code in codes:
        with pytest.raises(problem):
            await CALLS[call](refusing(settings, code))


@pytest.mark.parametrize("call", CALLS)
async def test_an_unknown_error_never_passes_for_success(settings: Settings, call: str) -> None:
    with pytest.raises(AccountsAway):
        await CALLS[call](refusing(settings, "never_heard_of"))
