"""A change names the version it was made for, so that another device's change is not overwritten unseen."""

import asyncio
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

AVATAR = "/profile/avatar"


@pytest.fixture
async def me(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> dict[str, str]:
    """The headers of a person who has an avatar."""
    headers = issuer.bearer(await database.person())
    created = await client.put(AVATAR, json=mira, headers=headers)
    assert created.headers["location"] == AVATAR
    return headers


async def version(client: httpx.AsyncClient, me: dict[str, str]) -> str:
    return (await client.get(AVATAR, headers=me)).headers["etag"]


async def test_every_answer_with_the_avatar_names_its_version(
    client: httpx.AsyncClient, me: dict[str, str], mira: dict[str, Any]
) -> None:
    first = await version(client, me)
    assert first == await version(client, me)
    patched = await client.patch(AVATAR, json={"age": 31}, headers=me)
    assert patched.headers["etag"] == await version(client, me) != first
    replaced = await client.put(AVATAR, json=mira, headers=me)
    assert (replaced.status_code, replaced.headers["etag"]) == (200, first), (
        "the same fields, the same version"
    )
    assert "location" not in replaced.headers


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_change_for_another_version_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, me: dict[str, str], mira: dict[str, Any], method: str
) -> None:
    old = await version(client, me)
    await client.patch(AVATAR, json={"name": "From the other tab"}, headers=me)
    body = None if method == "DELETE" else mira
    for stale in (old, '"bogus"', f"W/{await version(client, me)}", f'"x", {old}'):
        refused = await client.request(method, AVATAR, headers=me | {"If-Match": stale}, json=body)
        assert refused.status_code == 412, stale
        assert refused.json()["type"] == "urn:ava:problem:avatar-changed"
    assert (await client.get(AVATAR, headers=me)).json()["name"] == "From the other tab"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("form", ["{}", "*", '"another", {}'])
async def test_a_change_for_this_version_is_made(
    client: httpx.AsyncClient, me: dict[str, str], mira: dict[str, Any], method: str, form: str
) -> None:
    condition = {"If-Match": form.format(await version(client, me))}
    body = None if method == "DELETE" else mira
    assert (await client.request(method, AVATAR, headers=me | condition, json=body)).is_success


async def test_if_match_never_creates(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    for condition in ("*", '"x"'):
        refused = await client.put(AVATAR, json=mira, headers=me | {"If-Match": condition})
        assert refused.status_code == 412
    assert (await client.get(AVATAR, headers=me)).status_code == 404


@pytest.mark.parametrize("condition", ["bogus", '"open', "**", ""])
async def test_a_condition_that_is_none_is_explained(
    client: httpx.AsyncClient, me: dict[str, str], condition: str
) -> None:
    refused = await client.patch(AVATAR, json={"age": 30}, headers=me | {"If-Match": condition})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["pointer"], "ETag" in error["detail"]) == ("header:if-match", True)


async def test_of_two_changes_for_one_version_only_one_is_made(
    client: httpx.AsyncClient, me: dict[str, str]
) -> None:
    condition = {"If-Match": await version(client, me)}
    ages = range(30, 38)
    changes = (client.patch(AVATAR, json={"age": age}, headers=me | condition) for age in ages)
    statuses = [answer.status_code for answer in await asyncio.gather(*changes)]
    assert sorted(statuses) == [200, *[412] * (len(ages) - 1)]


async def test_what_is_still_the_same_need_not_be_sent_again(
    client: httpx.AsyncClient, me: dict[str, str]
) -> None:
    tag = await version(client, me)
    for condition in (tag, f"W/{tag}", "*"):
        same = await client.get(AVATAR, headers=me | {"If-None-Match": condition})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await client.get(AVATAR, headers=me | {"If-None-Match": '"other"'})).status_code == 200
