"""Every protected route refuses every bad token, and a delegate where a person must be present."""

import itertools
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.forged_tokens import FORGED_TOKENS
from ava_local.testing.running_app import client_of_started
from ava_local.testing.token_issuer import Issuer
from ava_profile.app import create_app
from ava_profile.settings import Settings

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


ALL_ROUTES: list[Route] = [
    ("GET", "/profile/avatar", None),
    ("PUT", "/profile/avatar", MIRA),
    ("PATCH", "/profile/avatar", {"name": "Ghost"}),
    ("DELETE", "/profile/avatar", None),
    ("GET", "/profile/preferences", None),
    ("GET", "/profile/whatsapp-identities", None),
    ("PUT", "/profile/preferences/whatsapp", PHONE),
    ("DELETE", "/profile/preferences/whatsapp", None),
]


@pytest.mark.parametrize("end", ["deleted", "deleted softly", "never there"])
async def test_an_account_that_is_gone_is_gone_on_every_route(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, end: str
) -> None:
    user = NO_ACCOUNT if end == "never there" else await database.person()
    if end == "deleted":
        await database.admin("delete from auth.users where id = $1", user)
    elif end == "deleted softly":
        for method, path, body in (ALL_ROUTES[1], ALL_ROUTES[6]):
            kept = await client.request(method, path, json=body, headers=issuer.bearer(user))
            assert kept.is_success
        await database.admin("update auth.users set deleted_at = now() where id = $1", user)
    for method, path, body in ALL_ROUTES:
        answer = await client.request(method, path, json=body, headers=issuer.bearer(user))
        gone = (401, "urn:ava:problem:account-gone")
        assert (answer.status_code, answer.json()["type"]) == gone, (method, path)
    delegate = {"Authorization": f"Bearer {issuer.delegated(user)}"}
    assert (await client.get("/profile/avatar", headers=delegate)).status_code == 401


async def test_an_impersonator_is_not_the_user(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    """A hook of the Supabase project can give out tokens that name who acts (`act`)."""
    acting = issuer.bearer(await database.person(), act={"sub": "support"})
    for method, path, body in ALL_ROUTES:
        answer = await client.request(method, path, json=body, headers=acting)
        if (method, path) in (("GET", "/profile/avatar"), ("GET", "/profile/preferences")):
            assert answer.status_code in (200, 404)
        else:
            assert answer.json()["type"] == "urn:ava:problem:person-required", (method, path)


async def test_what_outlives_a_token_needs_a_session_that_lives(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    token = issuer.token(await database.person())
    headers, outlasting = {"Authorization": f"Bearer {token}"}, [*ALL_ROUTES[1:4], *ALL_ROUTES[5:]]
    issuer.ended.add(token)
    for method, path, body in outlasting:
        answer = await client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:ava:problem:session-ended")
    assert (await client.get("/profile/preferences", headers=headers)).json()["whatsapp_phone"] is None


async def test_while_nobody_can_say_whether_a_session_lives_only_what_needs_it_waits(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, settings: Settings
) -> None:
    nowhere = settings.model_copy(update={"auth_url": "http://127.0.0.1:9"})
    me = issuer.bearer(await database.person())
    async with client_of_started(create_app(nowhere)) as alone:
        for method, path, body in ALL_ROUTES:
            answer = await alone.request(method, path, json=body, headers=me)
            if (method, path) in (("GET", "/profile/avatar"), ("GET", "/profile/preferences")):
                assert answer.status_code in (200, 404)
            else:
                assert answer.json()["type"] == "urn:ava:problem:sessions-unavailable", (method, path)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert await database.admin("select * from public.avatars") == []


async def test_an_account_that_the_trigger_missed_is_added_on_its_first_visit(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    user = await database.person()
    await database.admin("delete from public.users where id = $1", user)
    assert (await client.put("/profile/avatar", json=mira, headers=issuer.bearer(user))).status_code == 201
