"""Every protected route refuses every bad token, and a delegate where a person must be present."""

import itertools
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.forged_tokens import FORGED_TOKENS
from ava_local.testing.running_app import client_of_started
from ava_local.testing.token_issuer import Issuer
from ava_messaging.app import create_app
from ava_messaging.settings import Settings

from .conftest import Delegate

ID = "019a0000-0000-7000-8000-000000000000"
HELLO = {"content": "Hello"}
TURN = {"channel": "whatsapp", "role": "user", "content": "Hi"}
Route = tuple[str, str, dict[str, Any] | None]
READS: list[Route] = [("GET", "/messages", None), ("GET", f"/messages/{ID}", None)]
PERSONAL: list[Route] = [
    ("POST", "/messages", HELLO),
    ("DELETE", f"/messages/{ID}", None),
    ("GET", "/messages/export", None),
]
DELEGATED: list[Route] = [("PUT", f"/messages/{ID}", TURN)]
ROUTES = READS + PERSONAL + DELEGATED


async def test_every_protected_route_refuses_every_forged_token(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    user = await database.person()
    for (method, path, body), (flaw, forge) in itertools.product(ROUTES, FORGED_TOKENS.items()):
        bad = {"Authorization": f"Bearer {forge(issuer, user)}"}
        answer = await client.request(method, path, json=body, headers=bad)
        assert answer.status_code == 401, (method, path, flaw)
        assert answer.json()["type"] == "urn:ava:problem:invalid-token"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await database.admin("select * from public.messages") == []


async def test_every_protected_route_asks_to_sign_in(client: httpx.AsyncClient) -> None:
    for method, path, body in ROUTES:
        answer = await client.request(method, path, json=body)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["type"] == "urn:ava:problem:not-signed-in"


@pytest.mark.parametrize("route", PERSONAL, ids=lambda route: f"{route[0]} {route[1]}")
async def test_a_delegate_may_not_act_where_a_person_must_be_present(
    client: httpx.AsyncClient, database: Database, delegate: Delegate, route: Route
) -> None:
    user = await database.person()
    await client.put(f"/messages/{ID}", json=TURN, headers=delegate(user))
    method, path, body = route
    answer = await client.request(method, path, json=body, headers=delegate(user))
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:ava:problem:person-required"
    assert len(await database.admin("select * from public.messages")) == 1


OWN_ROUTES = [
    ("POST", "/messages", HELLO),
    ("GET", "/messages", None),
    ("GET", f"/messages/{ID}", None),
    ("GET", "/messages/export", None),
    ("DELETE", f"/messages/{ID}", None),
]


@pytest.mark.parametrize("softly", [False, True])
async def test_an_account_that_is_gone_is_gone_on_every_route(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate, softly: bool
) -> None:
    user = await database.person()
    assert (await client.put(f"/messages/{ID}", json=TURN, headers=delegate(user))).status_code == 201
    await database.admin(
        "update auth.users set deleted_at = now() where id = $1"
        if softly
        else "delete from auth.users where id = $1",
        user,
    )
    asked = [(*route, issuer.bearer(user)) for route in OWN_ROUTES]
    asked += [("PUT", f"/messages/{ID}", TURN, delegate(user)), ("GET", "/messages", None, delegate(user))]
    for method, path, body, headers in asked:
        answer = await client.request(method, path, json=body, headers=headers)
        gone = (401, "urn:ava:problem:account-gone")
        assert (answer.status_code, answer.json()["type"]) == gone, (method, path)


async def test_deleting_and_exporting_need_a_session_that_lives_and_writing_does_not(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    token = issuer.token(await database.person())
    headers = {"Authorization": f"Bearer {token}"}
    written = (await client.post("/messages", json=HELLO, headers=headers)).headers["location"]
    issuer.ended.add(token)
    checked = len(issuer.session_checks)
    for method, path in (("DELETE", written), ("GET", "/messages/export")):
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:ava:problem:session-ended")
    assert len(issuer.session_checks) == checked + 2
    assert (await client.get(written, headers=headers)).status_code == 200
    assert (await client.post("/messages", json=HELLO, headers=headers)).status_code == 201
    assert len(issuer.session_checks) == checked + 2, "what is asked often must not ask another service"


async def test_while_nobody_can_say_whether_a_session_lives_only_what_needs_it_waits(
    database: Database, issuer: Issuer, settings: Settings
) -> None:
    nowhere = settings.model_copy(update={"auth_url": "http://127.0.0.1:9"})
    me = issuer.bearer(await database.person())
    async with client_of_started(create_app(nowhere)) as alone:
        written = await alone.post("/messages", json=HELLO, headers=me)
        assert written.status_code == 201
        for method, path in (("DELETE", written.headers["location"]), ("GET", "/messages/export")):
            answer = await alone.request(method, path, headers=me)
            assert answer.json()["type"] == "urn:ava:problem:sessions-unavailable"
        assert len((await alone.get("/messages", headers=me)).json()["messages"]) == 1


async def test_an_unknown_path_and_an_unknown_method_say_so(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/nowhere")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert (await client.patch("/messages")).status_code == 405
