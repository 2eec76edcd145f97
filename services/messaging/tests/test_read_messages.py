"""Reading the log: every combination of filters, page by page, in both directions."""

import itertools
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import CreateAvatar, FillLog, LogRow
from .paging import pages

Ada = dict[str, Any]
CHANNELS, ROLES = ("app", "whatsapp"), ("user", "assistant")


@pytest.fixture
async def ada(database: Database, issuer: Issuer, fill_log: FillLog, create_avatar: CreateAvatar) -> Ada:
    """Ada has 24 messages, some of them to her avatar; Ben has as many."""
    ada, ben = await database.person(), await database.person()
    hers, his = await create_avatar(ada), await create_avatar(ben)
    kinds = list(itertools.product(CHANNELS, ROLES, (False, True)))
    for user, avatar, who in ((ada, hers, "Ada"), (ben, his, "Ben")):
        rows: list[LogRow] = []
        for minute in range(24):
            channel, role, to_avatar = kinds[minute % 8]
            word = "50%_off\\" if minute % 3 else "Straße ÄRGER"
            rows.append((minute, channel, role, f"{who} {minute} {word}", avatar if to_avatar else None))
        await fill_log(user, rows)
    return {"headers": issuer.bearer(ada), "avatar": str(hers), "bens_avatar": str(his)}


async def read_all(client: httpx.AsyncClient, ada: Ada, **query: str | int) -> list[dict[str, Any]]:
    answer = await client.get("/messages", params={"limit": 200, **query}, headers=ada["headers"])
    assert answer.status_code == 200
    assert answer.json()["next"] is None
    return list(answer.json()["messages"])


async def test_a_user_sees_only_their_own_messages_newest_first(client: httpx.AsyncClient, ada: Ada) -> None:
    messages = await read_all(client, ada)
    assert [message["content"].split()[:2] for message in messages] == [
        ["Ada", str(minute)] for minute in reversed(range(24))
    ]
    assert await read_all(client, ada, order="oldest") == messages[::-1]


Matches = Callable[[dict[str, Any]], bool]
FILTERS: dict[str, Callable[[Ada], tuple[str, Matches]]] = {
    "channel": lambda ada: ("whatsapp", lambda m: m["channel"] == "whatsapp"),
    "role": lambda ada: ("assistant", lambda m: m["role"] == "assistant"),
    "avatar_id": lambda ada: (ada["avatar"], lambda m: m["avatar_id"] == ada["avatar"]),
    "since": lambda ada: ("2026-01-01T00:05:00Z", lambda m: m["created_at"] >= "2026-01-01T00:05"),
    "until": lambda ada: ("2026-01-01T01:20:00+01:00", lambda m: m["created_at"] < "2026-01-01T00:20"),
    "text": lambda ada: ("50%_OFF\\", lambda m: "50%_off\\" in m["content"]),
}
COMBINATIONS = [names for size in range(len(FILTERS) + 1) for names in itertools.combinations(FILTERS, size)]


async def test_every_combination_of_filters_finds_exactly_what_matches(
    client: httpx.AsyncClient, ada: Ada
) -> None:
    whole = await read_all(client, ada)
    for names in COMBINATIONS:
        chosen = {name: FILTERS[name](ada) for name in names}
        expected = [message for message in whole if all(matches(message) for _, matches in chosen.values())]
        found = await read_all(client, ada, **{name: value for name, (value, _) in chosen.items()})
        assert found == expected, names
        assert expected or len(names) > 4, names


HITS = {"straße": 8, "ärger": 8, "%": 16, "_": 16, "\\": 16, "0%_o": 16, "5_%": 0, "' or 1=1 --": 0}


async def test_text_is_found_in_any_case_and_taken_literally(client: httpx.AsyncClient, ada: Ada) -> None:
    for text, hits in HITS.items():
        assert len(await read_all(client, ada, text=text)) == hits, text


SPELLINGS = {
    # What is written, and what is searched: the same words in another form, or in the other case.
    "Treffen im Cafe\u0301": ["Caf\u00e9", "cafe\u0301", "CAF\u00c9", "CAFE\u0301"],
    "Z\u00fcrich": ["Zu\u0308rich", "Z\u00dcRICH", "ZU\u0308RICH"],
    "\u212bngstr\u00f6m": ["\u00c5NGSTRO\u0308M", "A\u030angstr\u00f6m"],
    "J\u030c": ["\u01f0", "j\u030c"],
    "\u0130stanbul": ["I\u0307stanbul"],
    "\u1112\u1161\u11ab": ["\ud55c"],
    "a\u0323\u0302": ["a\u0302\u0323", "\u1ead"],
    "100 %\u0338": ["%\u0338"],
}


async def test_text_is_found_in_either_normal_form(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, fill_log: FillLog
) -> None:
    for written, searched in SPELLINGS.items():
        user = await database.person()
        await fill_log(user, [(0, "whatsapp", "user", written), (1, "app", "user", "e a u c z j i n")])
        for text in (written, *searched):
            found = await read_all(client, {"headers": issuer.bearer(user)}, text=text)
            assert [message["content"] for message in found] == [written], (written, text)


async def test_another_users_avatar_finds_nothing(client: httpx.AsyncClient, ada: Ada) -> None:
    assert await read_all(client, ada, avatar_id=ada["bens_avatar"]) == []


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_follow_each_other_without_gaps_or_repeats(
    client: httpx.AsyncClient, ada: Ada, order: str
) -> None:
    whole = await read_all(client, ada, order=order)
    for limit in (1, 5, 23, 24, 25):
        found = [page async for page in pages(client, ada["headers"], order=order, limit=limit)]
        assert found == [whole[start : start + limit] for start in range(0, 24, limit)]


async def test_filtered_pages_follow_each_other_too(client: httpx.AsyncClient, ada: Ada) -> None:
    query = {"channel": "whatsapp", "role": "assistant", "text": "50%"}
    found = [page async for page in pages(client, ada["headers"], limit=2, **query)]
    assert [message for page in found for message in page] == await read_all(client, ada, **query)
    assert len(found) > 1


async def test_messages_of_the_same_instant_are_paged_too(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, fill_log: FillLog
) -> None:
    user = await database.person()
    await fill_log(user, [(0, "app", "user", f"Number {number}") for number in range(9)])
    me, seen, cursor = issuer.bearer(user), [], None
    for _ in range(5):
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/messages", params=asked, headers=me)).json()
        seen += [message["content"] for message in page["messages"]]
        cursor = page["next"]
    assert cursor is None
    assert sorted(seen) == [f"Number {number}" for number in range(9)]


async def test_a_message_written_while_paging_shifts_and_repeats_nothing(
    client: httpx.AsyncClient, ada: Ada
) -> None:
    first = (await client.get("/messages?limit=10", headers=ada["headers"])).json()
    await client.post("/messages", json={"content": "Just now"}, headers=ada["headers"])
    asked = {"limit": 200, "cursor": first["next"]}
    rest = (await client.get("/messages", params=asked, headers=ada["headers"])).json()
    assert [message["content"].split()[1] for message in rest["messages"]] == [
        str(n) for n in reversed(range(14))
    ]


async def test_a_cursor_does_not_show_another_users_messages(
    client: httpx.AsyncClient, ada: Ada, database: Database, issuer: Issuer
) -> None:
    page = (await client.get("/messages?limit=3", headers=ada["headers"])).json()
    ben = issuer.bearer(await database.person())
    asked = {"cursor": page["next"]}
    assert (await client.get("/messages", params=asked, headers=ben)).json() == {
        "messages": [],
        "next": None,
    }


WRONG: list[dict[str, str | int]] = [
    {"limit": 0}, {"limit": 201}, {"limit": "many"}, {"limit": -1}, {"order": "random"}, {"channel": "sms"},
    {"role": "system"}, {"avatar_id": "mira"}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00"},
    {"until": "9999-12-31T23:59:59-14:00"}, {"since": "0001-01-01T00:00:00+14:00"}, {"text": ""},
    {"text": "a\0b"}, {"text": "x" * 1001}, {"cursor": ""}, {"cursor": "x"}, {"cursor": "A" * 34},
    {"cursor": "_" * 34}, {"cursor": "ä" * 34}, {"cursor": "A" * 10_000}, {"chanel": "app"}, {"since": "0.5"},
]  # fmt: skip


async def test_an_invalid_filter_is_refused_and_named(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    for wrong in WRONG:
        answer = await client.get("/messages", params=wrong, headers=me)
        assert answer.status_code == 422, wrong
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"query:{name}" for name in wrong]


async def test_a_plus_sign_that_became_a_space_is_explained(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    for typed, shown in (
        ("2026-01-31T12:00:00+02:00", "2026-01-31T12:00:00%2B02:00"),
        ("2026-01-31T12:00:00.5+0200", "2026-01-31T12:00:00.5%2B0200"),
    ):
        for name in ("since", "until"):
            refused = await client.get(f"/messages?{name}={typed}", headers=me)
            assert refused.status_code == 422
            (error,) = refused.json()["errors"]
            assert error["pointer"] == f"query:{name}"
            assert f"like {shown}" in error["detail"]
        assert (await client.get(f"/messages?since={shown}", headers=me)).status_code == 200


async def test_a_filter_given_twice_is_refused(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    refused = await client.get("/messages?role=user&role=assistant", headers=me)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"pointer": "query:role", "detail": "must be given once"}]


async def test_another_users_message_is_not_found(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    ada, ben = issuer.bearer(await database.person()), issuer.bearer(await database.person())
    where = (await client.post("/messages", json={"content": "Mine"}, headers=ada)).headers["location"]
    assert (await client.get(where, headers=ben)).status_code == 404
    assert (await client.delete(where, headers=ben)).status_code == 404
    assert (await client.get(where, headers=ada)).status_code == 200


CALL = "select * from messaging.{}($1, true, null, null, null, null, null, null, null, null, {})"
# The first is that of release 0.1.0.
PAGE_FUNCTIONS = [CALL.format("page", 50), CALL.format("page_3", 50), CALL.format("page_4", "50, 9")]


@pytest.mark.parametrize("function", PAGE_FUNCTIONS)
async def test_the_page_function_is_under_the_same_policies(
    database: Database, ada: Ada, function: str
) -> None:
    [row] = await database.admin("select user_id from public.avatars where id = $1", UUID(ada["bens_avatar"]))
    connection = await asyncpg.connect(database.url("ava_messaging"))
    try:
        found = await connection.fetch(function, json.dumps({"sub": str(row["user_id"])}))
        assert {message["content"].split()[0] for message in found} == {"Ben"}
        assert await connection.fetch("select * from public.messages") == []
        assert not await connection.fetchval("select current_setting('request.jwt.claims', true)")
    finally:
        await connection.close()


@pytest.mark.parametrize("function", PAGE_FUNCTIONS)
async def test_only_messaging_may_call_the_page_function(database: Database, function: str) -> None:
    for role in ("ava_profile", "ava_auth", "ava_whatsapp_gateway"):
        connection = await asyncpg.connect(database.url(role))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(function, "{}")
        await connection.close()
