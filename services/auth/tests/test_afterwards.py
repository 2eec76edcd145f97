"""What Supabase Auth has changed is changed, whatever goes away afterwards: no answer says otherwise.

Decision 0133.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front, front_of

from .conftest import PAGE, PASSWORD, OpenService, Person, Supabase, bearer
from .supabase_in_between import InBetween, in_between
from .test_browser_session import (
    ACCESS,
    JWT_SECRET,
    REFRESH,
    access_token,
    clears_the_cookies,
    open_session,
    with_refresh,
)

NEW = "another-lantern-3"
TOKEN, USER, LOG_OUT, ADMIN = (
    f"{method} /auth/v1/{path}"
    for method, path in (("POST", "token"), ("PUT", "user"), ("POST", "logout"), ("DELETE", "admin/users"))
)


@dataclass(frozen=True)
class Failing:
    """A client of auth, whose database and whose Supabase Auth can be made to fail."""

    client: httpx.AsyncClient
    front: Front
    between: InBetween
    person: Person
    supabase: Supabase

    def fail_database(self) -> None:
        self.front.fail = "57P03"

    async def log_in(self, password: str = PASSWORD) -> dict[str, Any]:
        body = {"email": self.person.email, "password": password}
        answer = await self.client.post("/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def password_is(self, password: str) -> bool:
        """As Supabase Auth itself says, whether or not the database of auth is there."""
        body = {"email": self.person.email, "password": password}
        query = {"grant_type": "password"}
        headers = {"apikey": "sb_publishable_of-the-tests"}
        url = f"{self.supabase.url}/auth/v1/token"
        async with httpx.AsyncClient() as http:
            return (await http.post(url, json=body, params=query, headers=headers)).is_success

    async def link(self) -> dict[str, str]:
        assert (await self.client.post("/auth/recover", json={"email": self.person.email})).is_success
        (mail,) = await self.supabase.mails(self.person.email)
        token = httpx.QueryParams(mail["link"].partition("?")[2] or mail["link"].partition("#")[2])
        return {"type": "recovery", "token_hash": token["token_hash"], "new_password": NEW}


@pytest.fixture
async def failing(
    open_service: OpenService, database: Database, supabase: Supabase, person: Person
) -> AsyncIterator[Failing]:
    async with failing_service(open_service, database, supabase) as (client, front, between):
        yield Failing(client, front, between, person, supabase)


@asynccontextmanager
async def failing_service(
    open_service: OpenService, database: Database, supabase: Supabase
) -> AsyncIterator[tuple[httpx.AsyncClient, Front, InBetween]]:
    async with front_of(database.url("ava_auth")) as front, in_between(supabase.url) as between:
        settings = {
            "database_url": front.url(database.url("ava_auth")),
            "supabase_url": between.url,
            "supabase_jwt_issuer": f"{supabase.url}/auth/v1",
        }
        async with open_service(**settings) as client:
            yield client, front, between


Act = Callable[[Failing, dict[str, Any]], Awaitable[httpx.Response]]


async def change_password(to: Failing, session: dict[str, Any]) -> httpx.Response:
    body = {"current_password": PASSWORD, "new_password": NEW}
    return await to.client.put("/auth/password", json=body, headers=bearer(session))


async def delete_account(to: Failing, session: dict[str, Any]) -> httpx.Response:
    body = {"password": PASSWORD}
    return await to.client.request("DELETE", "/auth/account", json=body, headers=bearer(session))


async def log_out(to: Failing, session: dict[str, Any]) -> httpx.Response:
    return await to.client.post("/auth/logout", headers=bearer(session))


async def log_out_browser(to: Failing, session: dict[str, Any]) -> httpx.Response:
    headers = PAGE | {"Cookie": f"{REFRESH}={session['refresh_token']}"} | bearer(session)
    return await to.client.delete("/auth/session", headers=headers)


async def log_in(to: Failing, _: dict[str, Any]) -> httpx.Response:
    return await to.client.post("/auth/login", json=to.person.credentials)


async def refresh(to: Failing, session: dict[str, Any]) -> httpx.Response:
    return await to.client.post("/auth/refresh", json={"refresh_token": session["refresh_token"]})


async def recover(to: Failing, _: dict[str, Any]) -> httpx.Response:
    return await to.client.post("/auth/recover", json={"email": to.person.email})


async def sign_up(to: Failing, _: dict[str, Any]) -> httpx.Response:
    body = {"email": f"new-{to.person.email}", "password": PASSWORD}
    return await to.client.post("/auth/signup", json=body)


DONE: dict[str, tuple[Act, str, int]] = {
    "new password": (change_password, USER, 204),
    "deletion": (delete_account, ADMIN, 204),
    "log-out": (log_out, LOG_OUT, 204),
    "log-out of a browser": (log_out_browser, LOG_OUT, 204),
    "log-in": (log_in, TOKEN, 200),
    "refresh": (refresh, TOKEN, 200),
    "recovery": (recover, "POST /auth/v1/recover", 202),
    "sign-up": (sign_up, "POST /auth/v1/signup", 202),
}


@pytest.mark.parametrize("done", DONE)
async def test_what_is_done_is_not_denied_because_it_cannot_be_written_down(
    failing: Failing, done: str
) -> None:
    act, request, status = DONE[done]
    session = await failing.log_in()
    failing.between.after[request] = failing.fail_database
    answer = await act(failing, session)
    assert failing.front.failed > 0, "nothing failed"
    assert answer.status_code == status, answer.text
    assert await failing.password_is(NEW) == (done == "new password")
    assert await failing.password_is(PASSWORD) == (done not in ("new password", "deletion"))


async def test_a_link_is_redeemed_although_it_cannot_be_written_down(failing: Failing) -> None:
    link = await failing.link()
    failing.between.after[USER] = failing.fail_database
    answer = await failing.client.post("/auth/verify", json=link)
    assert (answer.status_code, failing.front.failed > 0) == (200, True), answer.text
    assert await failing.password_is(NEW)


@pytest.mark.parametrize("code", [(503, "unexpected_failure"), (429, "over_request_rate_limit")])
@pytest.mark.parametrize("done", ["new password", "deletion"])
async def test_a_session_of_our_own_that_cannot_be_closed_denies_nothing(
    failing: Failing, done: str, code: tuple[int, str]
) -> None:
    act, request, status = DONE[done]
    session = await failing.log_in()
    failing.between.until, failing.between.refused = request, {LOG_OUT: code}
    answer = await act(failing, session)
    assert answer.status_code == status, answer.text
    assert LOG_OUT in failing.between.asked


async def test_a_link_that_leaves_the_password_as_it_is_ends_every_session_or_says_that_it_cannot(
    failing: Failing,
) -> None:
    link = await failing.link()
    failing.between.refused = {LOG_OUT: (503, "unexpected_failure")}
    answer = await failing.client.post("/auth/verify", json=link | {"new_password": PASSWORD})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:ava:problem:accounts-away")


@pytest.mark.parametrize("path", ["/auth/recover", "/auth/resend"])
@pytest.mark.parametrize(
    "refusal", [(400, "email_address_not_authorized"), (500, "unexpected_failure")], ids=lambda one: one[1]
)
async def test_who_cannot_be_sent_a_mail_is_not_told_from_strangers(
    failing: Failing, path: str, refusal: tuple[int, str]
) -> None:
    """Supabase Auth says so once it is about to send, and so of known addresses only."""
    failing.between.refused = {"POST /auth/v1/re": refusal}
    assert (await failing.client.post(path, json={"email": failing.person.email})).status_code == 202


@pytest.mark.parametrize(
    ("away", "status"), [("database", 503), ("keys", 503), ("limit", 429)], ids=lambda one: str(one)
)
async def test_a_browser_is_logged_out_whatever_is_away(
    failing: Failing, open_service: OpenService, away: str, status: int
) -> None:
    """This browser at least; that the others are is said only when it is true."""
    cookies = await open_session(failing.client, failing.person)
    headers = with_refresh(cookies)
    if away == "database":
        failing.fail_database()
        await leave(failing.client, headers, status)
    elif away == "keys":
        nowhere = {"supabase_url": "http://127.0.0.1:9", "supabase_jwt_issuer": f"{failing.supabase.url}/auth/v1"}
        async with open_service(**nowhere) as client:
            await leave(client, headers | bearer({"access_token": cookies[ACCESS]}), status)
    else:
        async with open_service(network_attempts=1) as client:
            for _ in range(3):
                await client.post("/auth/refresh", json={"refresh_token": "abcdefghijkl"})
            await leave(client, headers, status)


async def leave(client: httpx.AsyncClient, headers: dict[str, str], everywhere: int) -> None:
    left = await client.delete("/auth/session", headers=headers)
    assert (left.status_code, clears_the_cookies(left)) == (204, True), left.text
    refused = await client.delete("/auth/session?scope=global", headers=headers)
    assert refused.status_code == everywhere
    assert "set-cookie" not in refused.headers


async def test_a_token_of_an_impersonator_ends_no_session(
    failing: Failing, open_service: OpenService
) -> None:
    """A hook of the Supabase project can give out such tokens: their holder is not the user."""
    issued = f"{failing.supabase.url}/auth/v1"
    trusting = {
        "supabase_url": failing.between.url,
        "supabase_jwt_issuer": issued,
        "supabase_jwt_secret": JWT_SECRET,
    }
    token = access_token(failing.supabase, failing.person, 3600, act={"sub": "support"})
    headers = PAGE | bearer({"access_token": token})
    async with open_service(**trusting) as client:
        left = await client.delete("/auth/session?scope=global", headers=headers)
        assert left.status_code == 204
        assert (await client.post("/auth/logout", headers=headers)).status_code == 403
    assert LOG_OUT not in failing.between.asked


@pytest.mark.parametrize("seconds", [-5, 3600], ids=["just expired", "not known upstream"])
async def test_a_token_that_supabase_refuses_is_refused_and_its_session_lives(
    failing: Failing, open_service: OpenService, seconds: int
) -> None:
    """We forgive some seconds, Supabase Auth does not: the client renews, and nothing is said to have ended."""
    cookies = await open_session(failing.client, failing.person)
    headers = bearer({"access_token": access_token(failing.supabase, failing.person, seconds)})
    async with open_service(supabase_jwt_secret=JWT_SECRET) as client:
        body = {"current_password": PASSWORD, "new_password": NEW}
        answers = [
            await client.post("/auth/logout", headers=headers),
            await client.get("/auth/me", headers=headers),
            await client.get("/internal/session", headers=headers),
            await client.get("/auth/export", headers=headers),
            await client.put("/auth/password", json=body, headers=headers),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["type"]) == (401, "urn:ava:problem:invalid-token")
        assert (await client.post("/auth/session/refresh", headers=with_refresh(cookies))).status_code == 200
        left = await client.delete("/auth/session", headers=with_refresh(cookies) | headers)
        assert (left.status_code, clears_the_cookies(left)) == (204, True)
        again = await client.post("/auth/session/refresh", headers=with_refresh(cookies))
        assert (again.status_code, again.json()["type"]) == (401, "urn:ava:problem:session-ended")


@pytest.mark.parametrize("value", ['"\\000"', '"a\\000b"', '"\\377"', "", '""'])
async def test_any_refresh_cookie_is_a_session_that_has_ended(failing: Failing, value: str) -> None:
    """A quoted cookie may hold any character, written as a number."""
    headers = PAGE | {"Cookie": f"{REFRESH}={value}"}
    answer = await failing.client.post("/auth/session/refresh", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:ava:problem:session-ended")
    left = await failing.client.delete("/auth/session", headers=headers)
    assert (left.status_code, clears_the_cookies(left)) == (204, True)


async def test_a_log_out_says_whose_in_the_audit_log(failing: Failing, database: Database) -> None:
    cookies = await open_session(failing.client, failing.person)
    assert (await failing.client.delete("/auth/session", headers=with_refresh(cookies))).status_code == 204
    assert (await failing.client.delete("/auth/session", headers=PAGE)).status_code == 204
    rows = await database.admin("select user_id from accounts.audit where event = 'session.ended'")
    assert [row["user_id"] for row in rows] == [failing.person.id], "nothing ends without a session"
