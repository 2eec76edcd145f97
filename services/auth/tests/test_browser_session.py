"""The cookie session: the same accounts, with tokens that no script can read."""

import asyncio
import time
from http.cookies import SimpleCookie
from typing import Any

import httpx
import jwt
import pytest

from .conftest import PAGE, OpenService, Person, Supabase, bearer

JWT_SECRET = "a-legacy-secret-of-at-least-thirty-two-bytes"
ACCESS, REFRESH = "__Host-ava_at", "__Host-ava_rt"


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    return SimpleCookie("\r\n".join(answer.headers.get_list("set-cookie")))


def clears_the_cookies(answer: httpx.Response) -> bool:
    changed = {(name, one.value, one["max-age"]) for name, one in cookies_of(answer).items()}
    return changed == {(ACCESS, "", "0"), (REFRESH, "", "0")}


async def open_session(client: httpx.AsyncClient, person: Person) -> dict[str, str]:
    """Log in as the page does; the values of the cookies by name."""
    answer = await client.post("/auth/session", json=person.credentials, headers=PAGE)
    assert answer.status_code == 201, answer.text
    return {name: morsel.value for name, morsel in cookies_of(answer).items()}


def with_refresh(cookies: dict[str, str]) -> dict[str, str]:
    return {**PAGE, "Cookie": f"{REFRESH}={cookies[REFRESH]}"}


async def test_logging_in_puts_the_tokens_into_cookies_that_scripts_and_other_sites_cannot_read(
    client: httpx.AsyncClient, person: Person
) -> None:
    answer = await client.post("/auth/session", json=person.credentials, headers=PAGE)
    assert answer.json() == {"id": str(person.id), "email": person.email}
    found = cookies_of(answer)
    assert set(found) == {ACCESS, REFRESH}
    for morsel in found.values():
        assert (morsel["httponly"], morsel["secure"], morsel["path"]) == (True, True, "/")
        assert (morsel["samesite"].lower(), morsel["domain"]) == ("strict", "")
        assert morsel.value not in answer.text


@pytest.mark.parametrize("site", [None, "cross-site", "same-site", "none", "same-origin, cross-site"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth/session"),
        ("POST", "/auth/session/refresh"),
        ("POST", "/auth/session/resume"),
        ("DELETE", "/auth/session"),
    ],
)
async def test_only_our_own_page_can_open_refresh_and_close_a_session(
    client: httpx.AsyncClient, person: Person, method: str, path: str, site: str | None
) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}
    refused = await client.request(method, path, json=person.credentials, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ava:problem:cross-site")
    assert "set-cookie" not in refused.headers


async def test_refreshing_replaces_both_cookies(client: httpx.AsyncClient, person: Person) -> None:
    old = await open_session(client, person)
    refreshed = await client.post("/auth/session/refresh", headers=with_refresh(old))
    assert refreshed.status_code == 200
    assert cookies_of(refreshed)[REFRESH].value != old[REFRESH]
    assert cookies_of(refreshed)[ACCESS].value not in ("", None)


async def test_refreshing_without_a_cookie_asks_to_log_in(client: httpx.AsyncClient) -> None:
    refused = await client.post("/auth/session/refresh", headers=PAGE)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:session-ended")


async def test_tabs_that_refresh_at_the_same_moment_all_stay_logged_in(
    client: httpx.AsyncClient, person: Person
) -> None:
    old = await open_session(client, person)
    answers = await asyncio.gather(
        *(client.post("/auth/session/refresh", headers=with_refresh(old)) for _ in range(12))
    )
    assert [answer.status_code for answer in answers] == [200] * 12
    assert len({cookies_of(answer)[REFRESH].value for answer in answers}) == 1
    once_more = await client.post("/auth/session/refresh", headers=with_refresh(old))  # a late tab
    assert once_more.status_code == 200


async def test_a_session_survives_a_restart_of_the_service(open_service: OpenService, person: Person) -> None:
    async with open_service() as before:
        cookies = await open_session(before, person)
    async with open_service() as after:
        token = {"access_token": cookies[ACCESS]}
        assert (await after.get("/auth/me", headers=bearer(token))).status_code == 200
        assert (await after.post("/auth/session/refresh", headers=with_refresh(cookies))).status_code == 200


async def _refresh_works(client: httpx.AsyncClient, cookies: dict[str, str]) -> bool:
    return (await client.post("/auth/session/refresh", headers=with_refresh(cookies))).is_success


async def test_logging_out_clears_the_cookies_and_ends_the_session(
    client: httpx.AsyncClient, person: Person
) -> None:
    cookies = await open_session(client, person)
    token = bearer({"access_token": cookies[ACCESS]})
    left = await client.delete("/auth/session", headers=with_refresh(cookies) | token)
    assert left.status_code == 204
    assert clears_the_cookies(left)
    assert not await _refresh_works(client, cookies)


async def test_logging_out_ends_the_session_when_the_access_cookie_has_expired(
    client: httpx.AsyncClient, person: Person
) -> None:
    cookies = await open_session(client, person)
    left = await client.delete("/auth/session", headers=with_refresh(cookies))
    assert left.status_code == 204
    assert not await _refresh_works(client, cookies)


def access_token(supabase: Supabase, person: Person, expires_in: int, **more: Any) -> str:
    """A user's token as Supabase signed it with the shared secret, before it had key pairs."""
    now = int(time.time())
    claims = {"sub": str(person.id), "role": "authenticated", "aud": "authenticated", **more}
    issued = {"iss": f"{supabase.url}/auth/v1", "iat": now - 7200, "exp": now + expires_in}
    return jwt.encode(claims | issued, JWT_SECRET, "HS256")


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("stale", ["invalid", "expired"])
async def test_logging_out_with_a_stale_access_token_and_a_dead_refresh_token_clears_the_cookies(
    open_service: OpenService, supabase: Supabase, person: Person, stale: str, scope: str
) -> None:
    """What a browser sends that was away for weeks: the edge proxy made the access cookie a bearer token."""
    async with open_service(supabase_jwt_secret=JWT_SECRET) as client:
        cookies = await open_session(client, person)
        await client.delete("/auth/session", headers=with_refresh(cookies))
        token = access_token(supabase, person, -3600) if stale == "expired" else "not.a.token"
        headers = with_refresh(cookies) | bearer({"access_token": token})
        left = await client.delete(f"/auth/session?scope={scope}", headers=headers)
    assert left.status_code == (204 if scope == "local" else 401), "others may live on"
    assert clears_the_cookies(left)


async def test_logging_out_with_a_stale_access_token_still_ends_the_session(
    client: httpx.AsyncClient, person: Person
) -> None:
    cookies = await open_session(client, person)
    headers = with_refresh(cookies) | {"Authorization": "Bearer not.a.token"}
    assert (await client.delete("/auth/session", headers=headers)).status_code == 204
    assert not await _refresh_works(client, cookies)


async def test_logging_out_other_sessions_keeps_this_one(client: httpx.AsyncClient, person: Person) -> None:
    here, there = await open_session(client, person), await open_session(client, person)
    token = bearer({"access_token": here[ACCESS]})
    left = await client.delete("/auth/session?scope=others", headers=with_refresh(here) | token)
    assert (left.status_code, cookies_of(left)) == (204, SimpleCookie())
    assert await _refresh_works(client, here)
    assert not await _refresh_works(client, there)


async def test_the_browser_is_logged_out_even_while_supabase_is_away(
    open_service: OpenService, client: httpx.AsyncClient, person: Person
) -> None:
    cookies = await open_session(client, person)
    async with open_service(supabase_url="http://127.0.0.1:9") as cut_off:
        left = await cut_off.delete("/auth/session", headers=with_refresh(cookies))
        assert left.status_code == 204
        assert cookies_of(left)[REFRESH].value == ""
        everywhere = await cut_off.delete("/auth/session?scope=global", headers=with_refresh(cookies))
        assert (everywhere.status_code, "retry-after" in everywhere.headers) == (503, True)
        assert "set-cookie" not in everywhere.headers


async def test_a_stale_access_token_does_not_prevent_logging_in(
    client: httpx.AsyncClient, person: Person
) -> None:
    headers = {**PAGE, "Authorization": "Bearer not.a.token"}
    assert (await client.post("/auth/session", json=person.credentials, headers=headers)).status_code == 201
