"""A user writes a message in the app, once."""

import asyncio
import json

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import CreateAvatar

COUNT = "select count(*) as n from public.messages"


async def test_a_user_writes_a_message_and_reads_it_again(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    written = await client.post("/messages", json={"content": "Hello, you."}, headers=me)
    assert written.status_code == 201
    message = written.json()
    assert message | {"id": "", "created_at": ""} == {
        "id": "",
        "avatar_id": None,
        "channel": "app",
        "role": "user",
        "content": "Hello, you.",
        "created_at": "",
        "external_id": None,
        "sent_at": None,
        "edited_at": None,
        "deleted_at": None,
    }
    assert written.headers["location"] == f"/messages/{message['id']}"
    assert (await client.get(written.headers["location"], headers=me)).json() == message
    assert (await client.get("/messages", headers=me)).json() == {"messages": [message], "next": None}


async def test_a_blank_message_is_not_written(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    for blank in (" ", "\n\t ", "\u00a0\u2003", "\u200b", "\u2028\ufeff", "\u200e \u2060", "\u2800\u3164"):
        refused = await client.post("/messages", json={"content": blank}, headers=me)
        assert refused.status_code == 422, repr(blank)
        assert refused.json()["errors"] == [{"pointer": "#/content", "detail": "must not be blank"}]
    assert (await client.get("/messages", headers=me)).json()["messages"] == []


async def test_an_emoji_that_is_newer_than_this_python_is_a_message(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    for seen in ("\N{HEAVY BLACK HEART}", "\U0001fa77", "\U0001faff", "\uf8ff"):
        written = await client.post("/messages", json={"content": seen}, headers=me)
        assert (written.status_code, written.json().get("content")) == (201, seen)


async def test_a_message_may_only_name_the_users_own_avatar(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, create_avatar: CreateAvatar
) -> None:
    ada, ben = await database.person(), await database.person()
    hers, his = await create_avatar(ada), await create_avatar(ben)
    body = {"content": "Hello", "avatar_id": str(hers)}
    written = await client.post("/messages", json=body, headers=issuer.bearer(ada))
    assert (written.status_code, written.json()["avatar_id"]) == (201, str(hers))
    for avatar in (his, "7c0a8f8e-0000-4000-8000-000000000000"):
        body = {"content": "Hello", "avatar_id": str(avatar)}
        refused = await client.post("/messages", json=body, headers=issuer.bearer(ada))
        assert refused.status_code == 422
        assert refused.json()["type"] == "urn:ava:problem:not-your-avatar"
        assert refused.json()["errors"] == [{"pointer": "#/avatar_id", "detail": "is not your avatar"}]
        assert str(avatar) not in refused.text
    assert (await database.admin(COUNT))[0]["n"] == 1


async def test_a_message_that_names_no_avatar_carries_the_users_own(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, create_avatar: CreateAvatar
) -> None:
    user = await database.person()
    await create_avatar(await database.person())
    me = {**issuer.bearer(user), "Idempotency-Key": "4d2c"}
    earlier = await client.post("/messages", json={"content": "Before"}, headers=issuer.bearer(user))
    avatar = str(await create_avatar(user))
    first = await client.post("/messages", json={"content": "Hello"}, headers=me)
    assert (earlier.json()["avatar_id"], first.json()["avatar_id"]) == (None, avatar)
    for body in ({"content": "Hello"}, {"content": "Hello", "avatar_id": avatar}):
        again = await client.post("/messages", json=body, headers=me)
        assert (again.status_code, again.json()) == (200, first.json())
    page = await client.get("/messages", params={"avatar_id": avatar}, headers=issuer.bearer(user))
    assert page.json()["messages"] == [first.json()]


async def test_the_same_key_and_content_again_is_the_same_message(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = {**issuer.bearer(await database.person()), "Idempotency-Key": "4d2c"}
    first = await client.post("/messages", json={"content": "Once"}, headers=me)
    again = await client.post("/messages", json={"content": "Once"}, headers=me)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert first.json()["external_id"] == "app:4d2c"
    assert (await database.admin(COUNT))[0]["n"] == 1


async def test_ten_simultaneous_requests_with_one_key_write_one_message(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = {**issuer.bearer(await database.person()), "Idempotency-Key": "4d2c"}
    answers = await asyncio.gather(
        *(client.post("/messages", json={"content": "Once"}, headers=me) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await database.admin(COUNT))[0]["n"] == 1


async def test_a_key_used_for_other_content_is_refused(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = {**issuer.bearer(await database.person()), "Idempotency-Key": "4d2c"}
    first = await client.post("/messages", json={"content": "Once"}, headers=me)
    refused = await client.post("/messages", json={"content": "Twice"}, headers=me)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:ava:problem:key-reused"
    assert (await client.get("/messages", headers=me)).json()["messages"] == [first.json()]


async def test_a_repeated_message_is_the_same_when_its_avatar_is_gone(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, create_avatar: CreateAvatar
) -> None:
    user = await database.person()
    me = {**issuer.bearer(user), "Idempotency-Key": "4d2c"}
    body = {"content": "Once", "avatar_id": str(await create_avatar(user))}
    await client.post("/messages", json=body, headers=me)
    await database.admin("delete from public.avatars")
    again = await client.post("/messages", json=body, headers=me)
    assert (again.status_code, again.json()["avatar_id"]) == (200, None)


async def test_two_users_may_use_the_same_key(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    for _ in range(2):
        me = {**issuer.bearer(await database.person()), "Idempotency-Key": "same"}
        assert (await client.post("/messages", json={"content": "Mine"}, headers=me)).status_code == 201


async def test_an_invalid_key_is_refused(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    for key in ("", "two words", "k" * 201, "caf\u00e9"):
        headers = {name.encode(): value.encode() for name, value in (me | {"Idempotency-Key": key}).items()}
        assert (await client.post("/messages", json={"content": "Hello"}, headers=headers)).status_code == 422
    assert (await database.admin(COUNT))[0]["n"] == 0


WRONG = {
    "nothing": {},
    "null": {"content": None},
    "a number": {"content": 5},
    "empty": {"content": ""},
    "only NUL": {"content": "\0\0"},
    "too long": {"content": "x" * 65_537},
    "an avatar id that is not a UUID": {"content": "Hello", "avatar_id": "mira"},
    "a list": [],
}


async def test_an_invalid_message_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    for what, body in WRONG.items():
        answer = await client.post("/messages", json=body, headers=me)
        assert answer.status_code == 422, what
        assert answer.json()["type"] == "urn:ava:problem:invalid-request"
    assert (await database.admin(COUNT))[0]["n"] == 0


async def test_malformed_json_is_refused(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = {**issuer.bearer(await database.person()), "Content-Type": "application/json"}
    for body in (b"{", b"", b'{"content": "a",}', b"\xff", b"[" * 100_000):
        answer = await client.post("/messages", content=body, headers=me)
        assert answer.status_code == (400 if body else 422), body[:20]
    assert (await database.admin(COUNT))[0]["n"] == 0


@pytest.mark.parametrize("unstorable", ["a\0b", "\ud83d alone", "\udc00"])
async def test_characters_that_postgresql_cannot_store_are_refused(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, unstorable: str
) -> None:
    me = {**issuer.bearer(await database.person()), "Content-Type": "application/json"}
    refused = await client.post("/messages", content=json.dumps({"content": unstorable}), headers=me)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/content")
    assert (await database.admin(COUNT))[0]["n"] == 0


async def test_the_longest_message_is_kept_whole(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    longest = "🦊" * 65_536
    written = await client.post("/messages", json={"content": longest}, headers=me)
    assert (await client.get(written.headers["location"], headers=me)).json()["content"] == longest


async def test_a_user_cannot_choose_channel_and_role(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    more = {"role": "assistant", "channel": "whatsapp", "external_id": "wamid.X"}
    body = {"content": "I am you", **more}
    refused = await client.post("/messages", json=body, headers=issuer.bearer(await database.person()))
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [f"#/{name}" for name in more]
    assert (await database.admin(COUNT))[0]["n"] == 0


async def test_a_deleted_message_is_gone(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    where = (await client.post("/messages", json={"content": "Forget it"}, headers=me)).headers["location"]
    assert (await client.delete(where, headers=me)).status_code == 204
    assert (await client.get(where, headers=me)).status_code == 404
    assert (await client.delete(where, headers=me)).status_code == 404
