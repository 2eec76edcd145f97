"""Every protected route refuses every bad token, and a delegate where a person must be present."""

import itertools
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.forged_tokens import FORGED_TOKENS
from ava_local.testing.token_issuer import Issuer

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


async def test_a_token_that_outlived_its_account_writes_nothing(
    client: httpx.AsyncClient, issuer: Issuer, delegate: Delegate
) -> None:
    ghost = "7c0a8f8e-0000-4000-8000-000000000000"
    written = await client.post("/messages", json=HELLO, headers=issuer.bearer(ghost))
    stored = await client.put(f"/messages/{ID}", json=TURN, headers=delegate(ghost))
    for answer in (written, stored):
        assert answer.status_code == 401
        assert answer.json()["type"] == "urn:ava:problem:account-gone"
    page = await client.get("/messages", headers=issuer.bearer(ghost))
    assert page.json() == {"messages": [], "next": None}


async def test_an_unknown_path_and_an_unknown_method_say_so(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/nowhere")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert (await client.patch("/messages")).status_code == 405
