"""A log-out ends what it says, and this browser is logged out whatever is away.

Decision 0133.
"""

from collections.abc import AsyncIterator

import httpx
import pytest

from ava_local.testing.databases import Database

from .conftest import PAGE, PASSWORD, OpenService, Person, Supabase, bearer
from .failing_service import LOG_OUT, NEW, Failing, failing_service
from .test_browser_session import (
    ACCESS,
    JWT_SECRET,
    REFRESH,
    access_token,
    clears_the_cookies,
    open_session,
    with_refresh,
)


@pytest.fixture
async def failing(
    open_service: OpenService, database: Database, supabase: Supabase, person: Person
) -> AsyncIterator[Failing]:
    async with failing_service(open_service, database, supabase, person) as failing:
        yield failing


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
        nowhere = {
            "supabase_url": "http://127.0.0.1:9",
            "supabase_jwt_issuer": f"{failing.supabase.url}/auth/v1",
        }
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
        assert left.status_code == 401
        assert (await client.post("/auth/logout", headers=headers)).status_code == 403
    assert LOG_OUT not in failing.between.asked


@pytest.mark.parametrize("seconds", [-5, 3600], ids=["just expired", "not known upstream"])
async def test_a_token_that_supabase_refuses_is_refused_and_its_session_lives(
    failing: Failing, open_service: OpenService, seconds: int
) -> None:
    """We forgive some seconds, Supabase Auth does not: the client renews, and nothing has ended."""
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


@pytest.mark.parametrize("scope", ["others", "global"])
async def test_an_ended_session_ends_no_others_and_is_told_so(failing: Failing, scope: str) -> None:
    here, there = await failing.log_in(), await failing.log_in()
    assert (await failing.client.post("/auth/logout", headers=bearer(there))).status_code == 204
    assert (await failing.client.post("/auth/logout", headers=bearer(there))).status_code == 204
    refused = await failing.client.post(f"/auth/logout?scope={scope}", headers=bearer(there))
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:session-ended")
    assert (await failing.client.get("/auth/me", headers=bearer(here))).status_code == 200


@pytest.mark.parametrize("scope", ["others", "global"])
async def test_a_browser_whose_session_has_ended_is_not_told_that_others_have(
    failing: Failing, scope: str
) -> None:
    here, cookies = await failing.log_in(), await open_session(failing.client, failing.person)
    headers = with_refresh(cookies) | bearer({"access_token": cookies[ACCESS]})
    assert (await failing.client.delete("/auth/session", headers=headers)).status_code == 204
    refused = await failing.client.delete(f"/auth/session?scope={scope}", headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:session-ended")
    assert clears_the_cookies(refused)
    assert (await failing.client.get("/auth/me", headers=bearer(here))).status_code == 200
