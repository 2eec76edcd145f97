"""The fast paths answer exactly as the framework's routes do, which answer everything unusual."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import Delegate

TURN = {"channel": "whatsapp", "role": "user", "content": "Grüße 👋", "external_id": "wamid.1"}
# An unusual form of the same request: the framework answers.
ANOTHER_TYPE = {"Content-Type": "application/json; charset=utf-8"}
USUAL_TYPE = {"Content-Type": "application/json"}
OWN = ("x-request-id",)


def _said(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in OWN}
    return answer.status_code, headers, answer.content


async def test_both_ways_answer_the_same(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    user = await database.person()
    where, body = (
        f"/messages/{uuid4()}",
        json.dumps(TURN | {"sent_at": "2026-11-22T10:00:00.5+02:00"}).encode(),
    )
    first = await client.put(where, content=body, headers=delegate(user) | USUAL_TYPE)
    await database.admin("delete from public.messages")
    second = await client.put(where, content=body, headers=delegate(user) | ANOTHER_TYPE)
    assert first.status_code == second.status_code == 201
    same = {"created_at": ""}
    assert first.json() | same == second.json() | same
    assert first.headers["location"] == second.headers["location"]
    fast, framework = [
        _said(await client.put(where, content=body, headers=delegate(user) | kind))
        for kind in (USUAL_TYPE, ANOTHER_TYPE)
    ]
    assert fast == framework
    lower_case = {"Authorization": issuer.bearer(user)["Authorization"].replace("Bearer", "bearer")}
    for query in ("", "?limit=1", "?text=gr%C3%BC%C3%9Fe&order=oldest", "?since=2020-01-01T00%3A00%3A00Z"):
        fast, framework = [
            _said(await client.get(f"/messages{query}", headers=who))
            for who in (issuer.bearer(user), lower_case)
        ]
        assert fast == framework


WRITTEN = [
    b'{"content": "Gr\xc3\xbc\xc3\x9fe \\ud83d\\udc4b \\"\\n"}',
    b'{"content":"twice","content":"the last"}',
    b' {"avatar_id": null, "content": "with white space around it"} ',
]


@pytest.mark.parametrize("body", WRITTEN)
async def test_both_ways_write_the_same(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, body: bytes
) -> None:
    ways = [USUAL_TYPE, ANOTHER_TYPE]
    people = [issuer.bearer(await database.person()) | way for way in ways]
    for key in ({}, {"Idempotency-Key": "k-1"}):
        fast, framework = [await client.post("/messages", content=body, headers=me | key) for me in people]
        assert fast.status_code == framework.status_code == 201
        own = {"id": "", "created_at": ""}
        assert fast.json() | own == framework.json() | own
        assert fast.headers.keys() == framework.headers.keys()
        assert [answer.headers["location"] for answer in (fast, framework)] == [
            f"/messages/{answer.json()['id']}" for answer in (fast, framework)
        ]
    key = {"Idempotency-Key": "k-1"}
    for again, status in ((body, 200), (b'{"content": "something else"}', 409)):
        first, second = [
            await client.post("/messages", content=again, headers=people[0] | way | key) for way in ways
        ]
        assert first.status_code == second.status_code == status
        same = {"instance": ""} if status == 409 else {}
        assert first.json() | same == second.json() | same
        assert first.headers.keys() == second.headers.keys()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"content":""}', {}),
        (b'{"content":" "}', {}),
        (b'{"content":"a\\u0000"}', {}),
        (b'{"content":"half \\ud83d"}', {}),
        (b'{"content":"Hello","role":"assistant"}', {}),
        (b'{"content":5}', {}),
        (b'{"content":"Hello","avatar_id":"7c0a8f8e-0000-4000-8000-000000000000"}', {}),
        (b'{"content":"Hello"', {}),
        (b"", {}),
        (b'{"content":"Hello"}', {"Idempotency-Key": "two words"}),
        (b'{"content":"Hello"}', {"Idempotency-Key": ""}),
        (b'{"content":"Hello"}', {"Idempotency-Key": "k" * 201}),
        (b'{"content":"Hello"}', {"If-Match": '"1"'}),
    ],
)
async def test_both_ways_refuse_the_same_message(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, body: bytes, headers: dict[str, str]
) -> None:
    me = issuer.bearer(await database.person()) | headers
    fast, framework = [
        await client.post("/messages", content=body, headers=me | way) for way in (USUAL_TYPE, ANOTHER_TYPE)
    ]
    assert fast.status_code == framework.status_code >= 400
    assert fast.json() | {"instance": ""} == framework.json() | {"instance": ""}
    [row] = await database.admin("select count(*) as n from public.messages")
    assert row["n"] == 0


async def test_a_key_given_twice_writes_nothing(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person()) | USUAL_TYPE
    headers = [*me.items(), *[("Idempotency-Key", "k")] * 2]
    answer = await client.post("/messages", json={"content": "Hello"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:ava:problem:invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "header:Idempotency-Key"


async def test_who_acts_for_another_does_not_write_in_the_app(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    user = await database.person()
    for way in (USUAL_TYPE, ANOTHER_TYPE):
        answer = await client.post("/messages", content=b'{"content":"Hello"}', headers=delegate(user) | way)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:ava:problem:person-required")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("%0A", [("Content-Type", "application/json")]),
        ("", [("Content-Type", "text/plain"), ("Content-Type", "application/json")]),
    ],
)
async def test_a_request_at_the_edge_is_answered_as_by_the_framework(
    client: httpx.AsyncClient,
    database: Database,
    delegate: Delegate,
    path: str,
    headers: list[tuple[str, str]],
) -> None:
    """With a line break after the id, or with two media types: the framework's answer, whatever it is."""
    me, body = delegate(await database.person()), json.dumps(TURN | {"external_id": None}).encode()
    unusual = [(name, value.replace("json", "json;charset=utf-8")) for name, value in headers]
    lower_case = {"Authorization": me["Authorization"].replace("Bearer", "bearer")}
    fast, framework = [
        await client.put(f"/messages/{uuid4()}{path}", content=body, headers=[*who.items(), *kinds])
        for who, kinds in ((me, headers), (lower_case, unusual))
    ]
    assert fast.status_code == framework.status_code < 500


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=5&limit=6", "unknown=1", "channel=", "since=yesterday", "cursor=x", "text=%00"],
)
async def test_what_is_unusual_is_answered_by_the_framework(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, query: str
) -> None:
    answer = await client.get(f"/messages?{query}", headers=issuer.bearer(await database.person()))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:ava:problem:invalid-request")
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("change", "status"),
    [({"content": ""}, 422), ({"role": "nobody"}, 422), ({"created_at": "2999-01-01T00:00:00Z"}, 422)],
)
async def test_a_body_that_was_read_is_read_again(
    client: httpx.AsyncClient, database: Database, delegate: Delegate, change: dict[str, Any], status: int
) -> None:
    me = delegate(await database.person())
    answer = await client.put(f"/messages/{uuid4()}", json=TURN | change, headers=me)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["pointer"] == f"#/{next(iter(change))}"


async def test_half_a_surrogate_pair_is_stored_either_way(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me = delegate(await database.person()) | USUAL_TYPE
    body = b'{"channel":"whatsapp","role":"user","content":"half \\ud83d"}'
    answer = await client.put(f"/messages/{uuid4()}", content=body, headers=me)
    assert (answer.status_code, answer.json()["content"]) == (201, "half \ufffd")


async def test_who_may_not_is_refused_on_the_fast_path_too(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    user = await database.person()
    for headers, status in ((issuer.bearer(user), 403), ({"Authorization": "Bearer x"}, 401), ({}, 401)):
        assert (await client.put(f"/messages/{uuid4()}", json=TURN, headers=headers)).status_code == status
    conditional = issuer.bearer(user) | {"If-Match": '"1"'}
    assert (await client.put(f"/messages/{uuid4()}", json=TURN, headers=conditional)).status_code == 412


async def test_a_header_that_must_be_given_once_is_refused_on_the_fast_path_too(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    headers = [*(delegate(await database.person()) | USUAL_TYPE).items(), *[("Idempotency-Key", "k")] * 2]
    answer = await client.put(f"/messages/{uuid4()}", json=TURN, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:ava:problem:invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "header:Idempotency-Key"


async def test_an_account_that_is_gone_writes_and_reads_nothing(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    user = await database.person()
    await database.admin("delete from auth.users where id = $1", user)
    put = await client.put(f"/messages/{uuid4()}", json=TURN, headers=delegate(user))
    post = await client.post("/messages", json={"content": "Hello"}, headers=issuer.bearer(user))
    page = await client.get("/messages", headers=issuer.bearer(user))
    for answer in (put, post, page):
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:ava:problem:account-gone")
