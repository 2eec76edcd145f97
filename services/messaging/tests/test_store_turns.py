"""A service stores a turn of another channel: only as the user's delegate, and once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import CreateAvatar, Delegate

TURN = {"channel": "whatsapp", "role": "user", "content": "Hi from my phone", "external_id": "wamid.1"}
COUNT = "select count(*) as n from public.messages"


def path() -> str:
    return f"/messages/{uuid4()}"


async def test_a_delegate_stores_both_sides_of_a_conversation(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    user = await database.person()
    asked, answered = path(), path()
    reply = TURN | {"role": "assistant", "external_id": "wamid.2"}
    first = await client.put(asked, json=TURN, headers=delegate(user))
    second = await client.put(answered, json=reply, headers=delegate(user))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.headers["location"] == asked
    assert first.json() | TURN == first.json()
    page = (await client.get("/messages?order=oldest", headers=issuer.bearer(user))).json()
    assert page["messages"] == [first.json(), second.json()]


async def test_the_same_turn_again_changes_nothing(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me, where = delegate(await database.person()), path()
    first = await client.put(where, json=TURN, headers=me)
    again = await client.put(where, json=TURN, headers=me)
    elsewhere = await client.put(path(), json=TURN, headers=me)
    assert (first.status_code, again.status_code, elsewhere.status_code) == (201, 200, 200)
    assert first.json() == again.json() == elsewhere.json()
    assert (await database.admin(COUNT))[0]["n"] == 1


async def test_ten_simultaneous_requests_store_one_turn(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me, where = delegate(await database.person()), path()
    answers = await asyncio.gather(*(client.put(where, json=TURN, headers=me) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert (await database.admin(COUNT))[0]["n"] == 1


async def test_other_content_under_the_same_id_is_refused(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me, where = delegate(await database.person()), path()
    first = await client.put(where, json=TURN, headers=me)
    for other in ({"content": "Other"}, {"role": "assistant"}, {"channel": "app"}):
        refused = await client.put(where, json=TURN | other, headers=me)
        assert refused.status_code == 409
        assert refused.json()["type"] == "urn:ava:problem:message-differs"
    assert (await client.get(where, headers=me)).json() == first.json()


async def test_an_id_used_by_another_user_is_refused_without_showing_their_message(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    ada, ben = await database.person(), await database.person()
    where = path()
    await client.put(where, json=TURN, headers=delegate(ada))
    refused = await client.put(where, json=TURN | {"external_id": "wamid.9"}, headers=delegate(ben))
    assert refused.status_code == 409
    assert TURN["content"] not in refused.text
    assert (await client.put(path(), json=TURN, headers=delegate(ben))).status_code == 201


async def test_a_turn_keeps_the_time_it_happened(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    then = "2026-03-04T05:06:07.890123Z"
    stored = await client.put(
        path(), json=TURN | {"created_at": then}, headers=delegate(await database.person())
    )
    assert stored.json()["created_at"] == then
    local = await client.put(
        path(),
        json=TURN | {"created_at": "2026-03-04T07:06:07.890123+02:00"},
        headers=delegate(await database.person()),
    )
    assert local.json()["created_at"] == then


async def test_a_turn_without_a_time_happened_now(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    before = datetime.now(UTC)
    stored = await client.put(path(), json=TURN, headers=delegate(await database.person()))
    assert abs(datetime.fromisoformat(stored.json()["created_at"]) - before) < timedelta(minutes=1)


async def test_a_user_may_not_store_turns(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    refused = await client.put(path(), json=TURN, headers=issuer.bearer(await database.person()))
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:ava:problem:delegate-required"
    assert (await database.admin(COUNT))[0]["n"] == 0


async def test_an_unknown_delegate_writes_nothing(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    unknown = issuer.delegated(await database.person(), act={"sub": "another-service"})
    refused = await client.put(path(), json=TURN, headers={"Authorization": f"Bearer {unknown}"})
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:ava:problem:delegate-required"
    assert (await database.admin(COUNT))[0]["n"] == 0


async def test_a_turn_may_only_name_the_users_own_avatar(
    client: httpx.AsyncClient,
    database: Database,
    delegate: Delegate,
    create_avatar: CreateAvatar,
) -> None:
    ada, ben = await database.person(), await database.person()
    his = await create_avatar(ben)
    refused = await client.put(path(), json=TURN | {"avatar_id": str(his)}, headers=delegate(ada))
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:ava:problem:not-your-avatar"
    stored = await client.put(path(), json=TURN | {"avatar_id": str(his)}, headers=delegate(ben))
    assert stored.json()["avatar_id"] == str(his)


async def test_what_a_user_says_to_no_avatar_is_said_to_theirs(
    client: httpx.AsyncClient,
    database: Database,
    delegate: Delegate,
    create_avatar: CreateAvatar,
) -> None:
    """A service need not know that they have one by now; what is answered names whom it was said to."""
    ada, ben = await database.person(), await database.person()
    hers = await create_avatar(ada)
    said = await client.put(path(), json=TURN | {"role": "user"}, headers=delegate(ada))
    assert said.json()["avatar_id"] == str(hers)
    alone = await client.put(path(), json=TURN | {"role": "user"}, headers=delegate(ben))
    assert alone.json()["avatar_id"] is None
    other = TURN | {"role": "assistant", "external_id": "wamid.answer"}
    answer = await client.put(path(), json=other, headers=delegate(ada))
    assert answer.json()["avatar_id"] is None


async def test_deleting_an_avatar_keeps_what_was_said(
    client: httpx.AsyncClient,
    database: Database,
    issuer: Issuer,
    delegate: Delegate,
    create_avatar: CreateAvatar,
) -> None:
    user = await database.person()
    turn = TURN | {"avatar_id": str(await create_avatar(user))}
    stored = (await client.put(path(), json=turn, headers=delegate(user))).json()
    await database.admin("delete from public.avatars")
    page = (await client.get("/messages", headers=issuer.bearer(user))).json()
    assert page["messages"] == [stored | {"avatar_id": None}]


TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
WRONG: dict[str, dict[str, Any]] = {
    "another channel": {"channel": "sms"},
    "another role": {"role": "system"},
    "no content": {"content": ""},
    "a time in words": {"created_at": "yesterday"},
    "a time as a number": {"created_at": 1767225600},
    "a time without zone": {"created_at": "2026-03-04T05:06:07"},
    "tomorrow": {"created_at": TOMORROW},
    "the end of the calendar": {"created_at": "9999-12-31T23:59:59-14:00"},
    "the start of the calendar": {"created_at": "0001-01-01T00:00:00+14:00"},
    "an empty external id": {"external_id": ""},
    "an endless external id": {"external_id": "w" * 513},
    "an external id with NUL": {"external_id": "w\0"},
}


async def test_an_invalid_turn_is_refused_and_nothing_is_stored(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me = delegate(await database.person())
    for what, wrong in WRONG.items():
        refused = await client.put(path(), json=TURN | wrong, headers=me)
        assert refused.status_code == 422, what
        assert [error["pointer"] for error in refused.json()["errors"]] == [f"#/{name}" for name in wrong]
    assert (await database.admin(COUNT))[0]["n"] == 0


async def test_an_invalid_id_is_not_found(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me = delegate(await database.person())
    assert (await client.put("/messages/first", json=TURN, headers=me)).status_code == 404
    assert (await client.put("/messages/export", json=TURN, headers=me)).status_code == 405


async def test_characters_that_postgresql_cannot_store_are_replaced_because_phones_send_them(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me = {**delegate(await database.person()), "Content-Type": "application/json"}
    sent = json.dumps(TURN | {"content": "a\0b \ud83d alone, \U0001f98a whole"})
    stored = await client.put(path(), content=sent, headers=me)
    assert (stored.status_code, stored.json()["content"]) == (201, "ab \ufffd alone, \U0001f98a whole")


async def test_a_field_of_a_later_release_is_ignored(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me = delegate(await database.person())
    stored = await client.put(path(), json=TURN | {"mood": "cheerful"}, headers=me)
    assert stored.status_code == 201


@pytest.mark.parametrize("field", ["created_at", "sent_at"])
@pytest.mark.parametrize(
    "moment",
    ["2026-01-01T00:00:00\ud800 0100", "2026-01-01\ud800", "2026-01-01T00:00:0\u0663Z", "2026-01-01\0"],
)
async def test_a_moment_with_half_a_character_is_refused(
    client: httpx.AsyncClient, database: Database, delegate: Delegate, field: str, moment: str
) -> None:
    body = json.dumps(TURN | {field: moment})
    headers = delegate(await database.person()) | {"Content-Type": "application/json"}
    refused = await client.put(path(), content=body, headers=headers)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (
        422,
        [f"#/{field}"],
    )
