"""Sign up, log in, refresh and log out with the tokens in the bodies, as programs do."""

from typing import Any

import httpx
import pytest

from .conftest import PAGE, PASSWORD, AuditEvents, LogIn, Person, Supabase, bearer, new_email


async def test_a_person_signs_up_and_logs_in(client: httpx.AsyncClient, audit_events: AuditEvents) -> None:
    credentials = {"email": new_email(), "password": PASSWORD}
    asked = await client.post("/auth/signup", json=credentials)
    assert (asked.status_code, set(asked.json())) == (202, {"message"})
    session = (await client.post("/auth/login", json=credentials)).json()
    assert set(session) == {
        *("access_token", "refresh_token", "token_type", "expires_in", "expires_at", "user")
    }
    assert session["user"]["email"] == credentials["email"]
    assert await audit_events() == ["signup.asked", "login.succeeded"]


async def test_case_and_spaces_in_an_email_address_do_not_matter(client: httpx.AsyncClient) -> None:
    email = new_email()
    await client.post("/auth/signup", json={"email": f"  {email.upper()} ", "password": PASSWORD})
    assert (await client.post("/auth/login", json={"email": email, "password": PASSWORD})).status_code == 200


async def test_sign_up_leaves_no_session_behind(client: httpx.AsyncClient, supabase: Supabase) -> None:
    email = new_email()
    await client.post("/auth/signup", json={"email": email, "password": PASSWORD})
    sessions = await supabase.database.admin(
        "select s.id from auth.sessions s join auth.users u on u.id = s.user_id where u.email = $1", email
    )
    assert sessions == []


async def test_me_says_whom_the_token_speaks_for(
    client: httpx.AsyncClient, person: Person, log_in: LogIn
) -> None:
    me = await client.get("/auth/me", headers=bearer(await log_in(person)))
    assert me.json() == {"id": str(person.id), "email": person.email}


async def test_a_wrong_password_is_refused(
    client: httpx.AsyncClient, person: Person, audit_events: AuditEvents
) -> None:
    refused = await client.post("/auth/login", json=person.credentials | {"password": "not this one"})
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:ava:problem:wrong-credentials"
    assert await audit_events() == ["login.refused"]


async def test_refreshing_gives_new_tokens(client: httpx.AsyncClient, person: Person, log_in: LogIn) -> None:
    first = await log_in(person)
    second = (await client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await client.get("/auth/me", headers=bearer(second))).status_code == 200


@pytest.mark.parametrize("token", ["abcdefghijkl", "x", "é" * 40])
async def test_an_invented_refresh_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    refused = await client.post("/auth/refresh", json={"refresh_token": token})
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:session-ended")


@pytest.mark.parametrize(
    ("scope", "here_alive", "there_alive"),
    [("local", False, True), ("others", True, False), ("global", False, False)],
)
async def test_logging_out_ends_the_sessions_it_names(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, scope: str, here_alive: bool, there_alive: bool
) -> None:
    here, there = await log_in(person), await log_in(person)
    left = await client.post("/auth/logout", params={"scope": scope}, headers=bearer(here))
    assert left.status_code == 204
    for session, alive in ((here, here_alive), (there, there_alive)):
        refreshed = await client.post("/auth/refresh", json={"refresh_token": session["refresh_token"]})
        assert refreshed.status_code == (200 if alive else 401)


async def test_logging_out_twice_is_not_an_error(
    client: httpx.AsyncClient, person: Person, log_in: LogIn
) -> None:
    session = await log_in(person)
    for _ in range(2):
        assert (await client.post("/auth/logout", headers=bearer(session))).status_code == 204


@pytest.mark.parametrize("query", ["scope=world", "scop=global", "scope=global&everywhere=yes"])
async def test_a_log_out_that_is_not_understood_is_refused(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, query: str
) -> None:
    session = await log_in(person)
    headers = bearer(session) | PAGE
    for method, path in ("POST", "/auth/logout"), ("DELETE", "/auth/session"):
        refused = await client.request(method, f"{path}?{query}", headers=headers)
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["pointer"].startswith("query:")
    assert (await client.get("/auth/me", headers=bearer(session))).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@example.org"},
        {"email": "not an address", "password": PASSWORD},
        {"email": 7, "password": PASSWORD},
        {"email": "a@b@example.org", "password": PASSWORD},
        {"email": "ada@example.org", "password": ""},
        {"email": "ada@example.org", "password": PASSWORD, "role": "service_role"},
    ],
)
@pytest.mark.parametrize("path", ["/auth/signup", "/auth/login"])
async def test_invalid_fields_are_refused_and_named(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    refused = await client.post(path, json=body)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert all(error["pointer"].startswith("#/") for error in refused.json()["errors"])
    assert PASSWORD not in refused.text


async def test_a_banned_user_gets_the_same_answer_as_an_unknown_address(
    client: httpx.AsyncClient, person: Person, supabase: Supabase
) -> None:
    unknown = await client.post("/auth/login", json={"email": new_email(), "password": PASSWORD})
    await supabase.database.admin(
        "update auth.users set banned_until = now() + interval '1 day' where id = $1", person.id
    )
    banned = await client.post("/auth/login", json=person.credentials)
    assert _without_instance(banned) == _without_instance(unknown)


def _without_instance(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, {name: value for name, value in answer.json().items() if name != "instance"}
