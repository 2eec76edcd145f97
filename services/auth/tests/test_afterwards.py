"""What Supabase Auth has changed is changed, whatever goes away afterwards: no answer says otherwise.

Decision 0133.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database

from .conftest import PAGE, PASSWORD, OpenService, Person, Supabase, bearer
from .failing_service import ADMIN, LOG_OUT, NEW, TOKEN, USER, Failing, failing_service
from .test_browser_session import REFRESH


@pytest.fixture
async def failing(
    open_service: OpenService, database: Database, supabase: Supabase, person: Person
) -> AsyncIterator[Failing]:
    async with failing_service(open_service, database, supabase, person) as failing:
        yield failing


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
