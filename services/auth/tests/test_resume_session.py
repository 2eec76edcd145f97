"""The page asks who is signed in without a failure for a stranger: 200, and cookies renewed if need be."""

import httpx
import pytest

from .conftest import PAGE, OpenService, Person, Supabase, bearer
from .test_browser_session import (
    ACCESS,
    JWT_SECRET,
    REFRESH,
    access_token,
    cookies_of,
    open_session,
    with_refresh,
)

RESUME = "/auth/session/resume"


async def test_a_stranger_is_nobody(client: httpx.AsyncClient) -> None:
    answer = await client.post(RESUME, headers=PAGE)
    assert (answer.status_code, answer.json()) == (200, {"user": None})
    assert "set-cookie" not in answer.headers


async def test_a_session_is_resumed_without_new_cookies(client: httpx.AsyncClient, person: Person) -> None:
    cookies = await open_session(client, person)
    headers = with_refresh(cookies) | bearer({"access_token": cookies[ACCESS]})
    answer = await client.post(RESUME, headers=headers)
    assert answer.json() == {"user": {"id": str(person.id), "email": person.email}}
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", [{}, {"Authorization": "Bearer not.a.token"}])
async def test_an_expired_one_is_renewed(
    client: httpx.AsyncClient, person: Person, token: dict[str, str]
) -> None:
    cookies = await open_session(client, person)
    answer = await client.post(RESUME, headers=with_refresh(cookies) | token)
    assert answer.json()["user"]["email"] == person.email
    assert cookies_of(answer)[REFRESH].value not in ("", cookies[REFRESH])


async def test_one_that_has_just_expired_is_renewed_although_we_still_take_it(
    open_service: OpenService, supabase: Supabase, person: Person
) -> None:
    async with open_service(supabase_jwt_secret=JWT_SECRET) as client:
        cookies = await open_session(client, person)
        expired = bearer({"access_token": access_token(supabase, person, -5)})
        answer = await client.post(RESUME, headers=with_refresh(cookies) | expired)
    assert (answer.status_code, cookies_of(answer)[REFRESH].value != cookies[REFRESH]) == (200, True)
    assert answer.json()["user"]["email"] == person.email


async def test_an_ended_one_is_nobodys(client: httpx.AsyncClient, person: Person) -> None:
    cookies = await open_session(client, person)
    token = bearer({"access_token": cookies[ACCESS]})
    await client.post("/auth/logout", headers=token)
    for headers in (with_refresh(cookies) | token, PAGE | token):
        answer = await client.post(RESUME, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"user": None})


async def test_a_deleted_account_is_nobody(client: httpx.AsyncClient, person: Person) -> None:
    cookies = await open_session(client, person)
    token = bearer({"access_token": cookies[ACCESS]})
    gone = await client.request(
        "DELETE", "/auth/account", json={"password": person.credentials["password"]}, headers=token
    )
    assert gone.status_code == 204
    answer = await client.post(RESUME, headers=with_refresh(cookies) | token)
    assert (answer.status_code, answer.json()) == (200, {"user": None})


async def test_while_supabase_is_away_nobody_is_logged_out(
    open_service: OpenService, client: httpx.AsyncClient, person: Person
) -> None:
    cookies = await open_session(client, person)
    async with open_service(supabase_url="http://127.0.0.1:9") as cut_off:
        answer = await cut_off.post(RESUME, headers=with_refresh(cookies))
    assert (answer.status_code, "set-cookie" in answer.headers) == (503, False)
