"""Creating, changing and deleting the one avatar."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer


async def test_a_user_has_no_avatar_until_they_create_one(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    answer = await client.get("/profile/avatar", headers=me)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:ava:problem:avatar-not-found"
    assert "PUT /profile/avatar" in answer.json()["detail"]


async def test_the_list_of_avatars_is_empty_and_then_has_that_one(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me, other = issuer.bearer(await database.person()), issuer.bearer(await database.person())
    assert (await client.get("/profile/avatars")).status_code == 401
    before = await client.get("/profile/avatars", headers=me)
    assert (before.status_code, before.json()) == (200, [])
    created = await client.put("/profile/avatar", json=mira, headers=me)
    assert (await client.get("/profile/avatars", headers=me)).json() == [created.json()]
    assert (await client.get("/profile/avatars", headers=other)).json() == []


async def test_the_first_put_creates_and_the_next_replaces_the_same_avatar(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    created = await client.put("/profile/avatar", json=mira, headers=me)
    replaced = await client.put("/profile/avatar", json=mira | {"name": " Mira II "}, headers=me)
    assert (created.status_code, replaced.status_code) == (201, 200)
    assert replaced.json() == created.json() | {"name": "Mira II"}
    assert (await client.get("/profile/avatar", headers=me)).json() == replaced.json()


async def test_an_avatar_answers_with_exactly_the_agreed_fields(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    created = (await client.put("/profile/avatar", json=mira, headers=me)).json()
    assert created.keys() == mira.keys() | {"id", "created_at"}
    assert {field: created[field] for field in mira} == mira


async def test_looks_may_be_left_out(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    del mira["physical_description"]
    created = await client.put("/profile/avatar", json=mira, headers=me)
    assert (created.status_code, created.json()["physical_description"]) == (201, "")


async def test_a_patch_changes_only_what_it_names(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    created = (await client.put("/profile/avatar", json=mira, headers=me)).json()
    changed = await client.patch("/profile/avatar", json={"age": 31, "personality": "calm"}, headers=me)
    assert changed.status_code == 200
    assert changed.json() == created | {"age": 31, "personality": "calm"}
    assert (await client.patch("/profile/avatar", json={}, headers=me)).json() == changed.json()


async def test_a_patch_with_a_misspelt_field_is_refused(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    created = (await client.put("/profile/avatar", json=mira, headers=me)).json()
    refused = await client.patch("/profile/avatar", json={"age": 30, "looks": "short"}, headers=me)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "#/looks"
    assert (await client.get("/profile/avatar", headers=me)).json() == created


async def test_an_avatar_that_does_not_exist_cannot_be_changed_or_deleted(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    assert (await client.patch("/profile/avatar", json={"age": 30}, headers=me)).status_code == 404
    assert (await client.delete("/profile/avatar", headers=me)).status_code == 404


async def test_a_deleted_avatar_is_gone_and_a_new_one_can_be_created(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    first = (await client.put("/profile/avatar", json=mira, headers=me)).json()
    assert (await client.delete("/profile/avatar", headers=me)).status_code == 204
    assert (await client.get("/profile/avatar", headers=me)).status_code == 404
    second = await client.put("/profile/avatar", json=mira, headers=me)
    assert second.status_code == 201
    assert second.json()["id"] != first["id"]


async def test_a_second_avatar_is_refused_when_asked_to_create_only(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    creating = {**me, "If-None-Match": "*"}
    created = await client.put("/profile/avatar", json=mira, headers=creating)
    second = await client.put("/profile/avatar", json=mira | {"name": "Nora"}, headers=creating)
    assert (created.status_code, second.status_code) == (201, 412)
    assert second.json()["type"] == "urn:ava:problem:second-avatar"
    assert (await client.get("/profile/avatar", headers=me)).json() == created.json()


async def test_of_ten_simultaneous_creations_one_succeeds(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = {**issuer.bearer(await database.person()), "If-None-Match": "*"}
    answers = await asyncio.gather(*(client.put("/profile/avatar", json=mira, headers=me) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 9


async def test_the_database_itself_refuses_a_second_avatar(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    user = await database.person()
    await client.put("/profile/avatar", json=mira, headers=issuer.bearer(user))
    second = "insert into public.avatars (user_id, name, age, personality, physical_description)"
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.admin(f"{second} values ($1, 'Nora', 30, 'calm', '')", user)


async def test_users_see_and_change_only_their_own_avatar(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    ada, ben = issuer.bearer(await database.person()), issuer.bearer(await database.person())
    hers = (await client.put("/profile/avatar", json=mira, headers=ada)).json()
    assert (await client.get("/profile/avatar", headers=ben)).status_code == 404
    assert (await client.patch("/profile/avatar", json={"age": 99}, headers=ben)).status_code == 404
    assert (await client.delete("/profile/avatar", headers=ben)).status_code == 404
    assert (await client.put("/profile/avatar", json=mira, headers=ben)).status_code == 201
    assert (await client.get("/profile/avatar", headers=ada)).json() == hers


async def test_the_personalities_are_open_to_everyone(client: httpx.AsyncClient) -> None:
    answer = await client.get("/profile/personalities")
    assert answer.json() == ["warm", "playful", "calm", "witty", "curious", "direct"]


async def test_the_list_of_personalities_matches_the_database(
    client: httpx.AsyncClient, database: Database
) -> None:
    [row] = await database.admin("select enum_range(null::public.personality)::text[] as all")
    assert (await client.get("/profile/personalities")).json() == row["all"]
