"""The life of an account over the bearer paths."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from .conftest import PASSWORD, LogIn, Person, bearer, new_email

Trail = Callable[[], Awaitable[list[str]]]


async def test_a_person_signs_up_and_logs_in(client: httpx.AsyncClient, trail: Trail) -> None:
    credentials = {"email": new_email(), "password": PASSWORD}
    asked = await client.post("/auth/signup", json=credentials)
    assert (asked.status_code, set(asked.json())) == (202, {"message"})
    session = (await client.post("/auth/login", json=credentials)).json()
    assert set(session) == {
        *("access_token", "refresh_token", "token_type", "expires_in", "expires_at", "user")
    }
    assert session["user"]["email"] == credentials["email"]
    assert await trail() == ["signup.asked", "login.succeeded"]


async def test_an_address_is_the_same_however_it_is_written(client: httpx.AsyncClient) -> None:
    email = new_email()
    await client.post("/auth/signup", json={"email": f"  {email.upper()} ", "password": PASSWORD})
    assert (await client.post("/auth/login", json={"email": email, "password": PASSWORD})).status_code == 200


async def test_sign_up_leaves_no_session_behind(client: httpx.AsyncClient, supabase: Any) -> None:
    email = new_email()
    await client.post("/auth/signup", json={"email": email, "password": PASSWORD})
    sessions = await supabase.database.admin(
        "select s.id from auth.sessions s join auth.users u on u.id = s.user_id where u.email = $1", email
    )
    assert sessions == []


async def test_who_am_i_says_who_the_token_speaks_for(
    client: httpx.AsyncClient, person: Person, log_in: LogIn
) -> None:
    me = await client.get("/auth/me", headers=bearer(await log_in(person)))
    assert me.json() == {"id": str(person.id), "email": person.email}


async def test_a_wrong_password_is_refused_in_words(
    client: httpx.AsyncClient, person: Person, trail: Trail
) -> None:
    refused = await client.post("/auth/login", json=person.credentials | {"password": "not this one"})
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:ava:problem:wrong-credentials"
    assert await trail() == ["login.refused"]


async def test_refreshing_gives_new_tokens(client: httpx.AsyncClient, person: Person, log_in: LogIn) -> None:
    first = await log_in(person)
    second = (await client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await client.get("/auth/me", headers=bearer(second))).status_code == 200


@pytest.mark.parametrize("token", ["abcdefghijkl", "x", "é" * 40])
async def test_an_invented_refresh_token_opens_nothing(client: httpx.AsyncClient, token: str) -> None:
    refused = await client.post("/auth/refresh", json={"refresh_token": token})
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:session-ended")


@pytest.mark.parametrize(
    ("scope", "here_lives", "there_lives"),
    [("local", False, True), ("others", True, False), ("global", False, False)],
)
async def test_logging_out_ends_the_sessions_it_names(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, scope: str, here_lives: bool, there_lives: bool
) -> None:
    here, there = await log_in(person), await log_in(person)
    left = await client.post("/auth/logout", params={"scope": scope}, headers=bearer(here))
    assert left.status_code == 204
    for session, lives in ((here, here_lives), (there, there_lives)):
        renewed = await client.post("/auth/refresh", json={"refresh_token": session["refresh_token"]})
        assert renewed.status_code == (200 if lives else 401)


async def test_logging_out_twice_is_no_error(
    client: httpx.AsyncClient, person: Person, log_in: LogIn
) -> None:
    session = await log_in(person)
    for _ in range(2):
        assert (await client.post("/auth/logout", headers=bearer(session))).status_code == 204


async def test_an_unknown_scope_is_refused(client: httpx.AsyncClient, person: Person, log_in: LogIn) -> None:
    refused = await client.post("/auth/logout?scope=world", headers=bearer(await log_in(person)))
    assert refused.status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@example.org"},
        {"email": "no address", "password": PASSWORD},
        {"email": 7, "password": PASSWORD},
        {"email": "a@b@example.org", "password": PASSWORD},
        {"email": "ada@example.org", "password": ""},
        {"email": "ada@example.org", "password": PASSWORD, "role": "service_role"},
    ],
)
@pytest.mark.parametrize("path", ["/auth/signup", "/auth/login"])
async def test_a_form_with_wrong_fields_is_refused_with_their_names(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    refused = await client.post(path, json=body)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert all(error["pointer"].startswith("#/") for error in refused.json()["errors"])
    assert PASSWORD not in refused.text


async def test_a_banned_person_hears_what_a_stranger_hears(
    client: httpx.AsyncClient, person: Person, supabase: Any
) -> None:
    stranger = await client.post("/auth/login", json={"email": new_email(), "password": PASSWORD})
    await supabase.database.admin(
        "update auth.users set banned_until = now() + interval '1 day' where id = $1", person.id
    )
    banned = await client.post("/auth/login", json=person.credentials)
    assert _without_instance(banned) == _without_instance(stranger)


def _without_instance(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, {name: said for name, said in answer.json().items() if name != "instance"}
