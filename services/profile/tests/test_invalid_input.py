"""Invalid input is refused with a reason, and nothing is half-written."""

import json
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

AVATAR = "/profile/avatar"


async def test_an_unknown_path_is_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/profile/unicorn")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:ava:problem:not-found"


async def test_an_unsupported_method_is_answered_with_the_supported_ones(client: httpx.AsyncClient) -> None:
    answer = await client.post(AVATAR, json={})
    assert answer.status_code == 405
    assert answer.json()["type"] == "urn:ava:problem:method-not-allowed"
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "body", [b"{", b"nonsense", b'{"name": "Mira",}', b"\xff\xfe", b"[" * 100_000, b'"\xed\xa0']
)
async def test_malformed_json_is_a_400(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, body: bytes
) -> None:
    me = issuer.bearer(await database.person())
    answer = await client.put(AVATAR, content=body, headers={**me, "Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:ava:problem:malformed-json"
    assert await database.admin("select * from public.avatars") == []


WRONG: dict[str, Any] = {
    "no body at all": None,
    "a list": [],
    "a word": "Mira",
    "a missing name": {"name": ...},
    "a name that is a number": {"name": 5},
    "a name that is null": {"name": None},
    "an empty name": {"name": ""},
    "a name of spaces": {"name": "   "},
    "a name too long": {"name": "m" * 81},
    "a name with NUL": {"name": "Mi\0ra"},
    "a name with a lone surrogate": {"name": "Mi\ud800ra"},
    "a name of two lines": {"name": "Mi\nra"},
    "a name with a line separator": {"name": "Mi\u2028ra"},
    "a name with a next-line character": {"name": "Mi\x85ra"},
    "a name of a zero-width space": {"name": "\u200b"},
    "a name of a soft hyphen": {"name": "\xad"},
    "a name of a direction mark": {"name": "\u202e"},
    "a name of braille without dots": {"name": "\u2800"},
    "age 19": {"age": 19},
    "age 151": {"age": 151},
    "an age in words": {"age": "thirty"},
    "an age in a string": {"age": "30"},
    "an age that is true": {"age": True},
    "an age with a half": {"age": 30.5},
    "an age beyond every integer": {"age": 10**40},
    "a personality not on the list": {"personality": "grumpy"},
    "a personality in capitals": {"personality": "WARM"},
    "a personality that is a list": {"personality": ["warm"]},
    "looks too long": {"physical_description": "x" * 2001},
    "looks with NUL": {"physical_description": "tall\0"},
    "looks with a lone surrogate": {"physical_description": "tall \udfff"},
}


async def test_an_invalid_avatar_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = {**issuer.bearer(await database.person()), "Content-Type": "application/json"}
    for what, wrong in WRONG.items():
        body, pointers = wrong, ["#"]
        if isinstance(wrong, dict):
            body = {name: value for name, value in (mira | wrong).items() if value is not ...}
            pointers = [f"#/{name}" for name in wrong]
        answer = await client.put(AVATAR, content=json.dumps(body), headers=me)
        assert answer.status_code == 422, what
        assert answer.json()["type"] == "urn:ava:problem:invalid-request"
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers, what
    assert await database.admin("select * from public.avatars") == []


@pytest.mark.parametrize(
    "change",
    [{"age": 19}, {"name": ""}, {"personality": "grumpy"}, {"age": 40, "physical_description": "x" * 2001}],
)
async def test_an_invalid_change_leaves_the_avatar_as_it_was(
    client: httpx.AsyncClient,
    database: Database,
    issuer: Issuer,
    mira: dict[str, Any],
    change: dict[str, Any],
) -> None:
    me = issuer.bearer(await database.person())
    created = (await client.put(AVATAR, json=mira, headers=me)).json()
    assert (await client.patch(AVATAR, json=change, headers=me)).status_code == 422
    assert (await client.get(AVATAR, headers=me)).json() == created


async def test_names_and_looks_may_use_every_script_and_lines(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    described = mira | {
        "name": "Мира 🦊 美良",
        "physical_description": "Tall.\n\tDark curls — “always” smiling 😀",
    }
    created = await client.put(AVATAR, json=described, headers=me)
    assert created.status_code == 201
    assert {field: created.json()[field] for field in described} == described


async def test_the_longest_name_and_looks_are_kept_whole(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    longest = mira | {"name": "🦊" * 80, "physical_description": "é" * 2000, "age": 20}
    created = await client.put(AVATAR, json=longest, headers=me)
    assert created.status_code == 201
    assert {field: created.json()[field] for field in longest} == longest


async def test_an_etag_in_if_none_match_is_refused_rather_than_ignored(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, mira: dict[str, Any]
) -> None:
    me = issuer.bearer(await database.person())
    answer = await client.put(AVATAR, json=mira, headers={**me, "If-None-Match": '"abc"'})
    assert answer.status_code == 422
    assert await database.admin("select * from public.avatars") == []
