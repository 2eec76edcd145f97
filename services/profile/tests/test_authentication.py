"""Every protected route refuses every bad token, and a delegate where a person must be present."""

import itertools
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.forged_tokens import FORGED_TOKENS
from ava_local.testing.token_issuer import Issuer

PHONE = {"phone": "+4915112345678"}
MIRA = {"name": "Mira", "age": 27, "personality": "witty", "physical_description": ""}
Route = tuple[str, str, dict[str, Any] | None]
READS: list[Route] = [("GET", "/profile/avatar", None), ("GET", "/profile/preferences", None)]
WRITES: list[Route] = [
    ("PUT", "/profile/avatar", MIRA),
    ("PATCH", "/profile/avatar", {"age": 30}),
    ("DELETE", "/profile/avatar", None),
    ("PUT", "/profile/preferences/whatsapp", PHONE),
    ("DELETE", "/profile/preferences/whatsapp", None),
]
NO_ACCOUNT = "7c0a8f8e-0000-4000-8000-000000000000"


async def test_every_protected_route_refuses_every_forged_token(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    user = await database.person()
    await client.put("/profile/avatar", json=mira, headers=issuer.bearer(user))
    before = await database.admin("select * from public.avatars")
    for (method, path, body), (flaw, forge) in itertools.product(READS + WRITES, FORGED_TOKENS.items()):
        bad = {"Authorization": f"Bearer {forge(issuer, user)}"}
        answer = await client.request(method, path, json=body, headers=bad)
        assert answer.status_code == 401, (method, path, flaw)
        assert answer.json()["type"] == "urn:ava:problem:invalid-token"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await database.admin("select * from public.avatars") == before


async def test_every_protected_route_asks_to_sign_in(client: httpx.AsyncClient) -> None:
    for method, path, body in READS + WRITES:
        answer = await client.request(method, path, json=body)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["type"] == "urn:ava:problem:not-signed-in"


@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route[0]} {route[1]}")
async def test_a_delegate_may_not_act_where_a_person_must_be_present(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any], route: Route
) -> None:
    user = await database.person()
    await client.put("/profile/avatar", json=mira, headers=issuer.bearer(user))
    before = await database.admin("select * from public.avatars")
    method, path, body = route
    delegate = {"Authorization": f"Bearer {issuer.delegated(user)}"}
    answer = await client.request(method, path, json=body, headers=delegate)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:ava:problem:person-required"
    assert await database.admin("select * from public.avatars") == before
    assert await database.admin("select * from public.user_preferences") == []


async def test_a_delegate_reads_the_avatar_of_the_person_it_acts_for(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    ada, ben = await database.person(), await database.person()
    hers = (await client.put("/profile/avatar", json=mira, headers=issuer.bearer(ada))).json()
    for user, status in ((ada, 200), (ben, 404)):
        delegate = {"Authorization": f"Bearer {issuer.delegated(user)}"}
        answer = await client.get("/profile/avatar", headers=delegate)
        assert answer.status_code == status
        assert status == 404 or answer.json() == hers


async def test_a_token_that_outlived_its_account_writes_nothing(
    client: httpx.AsyncClient, issuer: Issuer, mira: dict[str, Any]
) -> None:
    ghost = issuer.bearer(NO_ACCOUNT)
    for path, body in (("/profile/avatar", mira), ("/profile/preferences/whatsapp", PHONE)):
        answer = await client.put(path, json=body, headers=ghost)
        assert answer.status_code == 401
        assert answer.json()["type"] == "urn:ava:problem:account-gone"
    assert (await client.get("/profile/avatar", headers=ghost)).status_code == 404


async def test_an_account_that_the_trigger_missed_is_added_on_its_first_visit(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    user = await database.person()
    await database.admin("delete from public.users where id = $1", user)
    assert (await client.put("/profile/avatar", json=mira, headers=issuer.bearer(user))).status_code == 201
