"""Taking everything along: one message per line, streamed."""

import asyncio
import json

import pytest

from ava_messaging.export import Exports, TooManyExports

FILL = """insert into public.messages (user_id, channel, role, content)
select $1, 'app', 'user', 'Line ' || n from generate_series(1, $2) n"""


async def lines(room, headers, **asked):
    answer = await room.get("/messages/export", params=asked, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_an_empty_log_is_an_empty_export(room, database, issuer):
    assert await lines(room, issuer.bearer(await database.person())) == []


async def test_the_export_holds_every_message_oldest_first_and_nobody_elses(room, database, issuer):
    user, neighbour = await database.person(), await database.person()
    await database.admin(FILL, user, 1203)
    await database.admin(FILL, neighbour, 3)
    exported = await lines(room, issuer.bearer(user))
    assert [message["content"] for message in exported] == [f"Line {n}" for n in range(1, 1204)]
    assert (
        exported[0] == (await room.get(f"/messages/{exported[0]['id']}", headers=issuer.bearer(user))).json()
    )


async def test_the_export_may_be_filtered_like_a_page(room, database, issuer, log_of):
    user = await database.person()
    await log_of(
        user, [(0, "app", "user", "Hello"), (1, "whatsapp", "user", "Hi"), (2, "app", "user", "Bye")]
    )
    me = issuer.bearer(user)
    assert [message["content"] for message in await lines(room, me, channel="app", order="newest")] == [
        "Bye",
        "Hello",
    ]
    assert [message["content"] for message in await lines(room, me, text="HI")] == ["Hi"]
    for unknown in ({"limit": 5}, {"order": "random"}):
        assert (await room.get("/messages/export", params=unknown, headers=me)).status_code == 422


async def test_exports_wait_their_turn_rather_than_take_every_connection():
    exports = Exports(at_once=2)
    with exports, exports:
        with pytest.raises(TooManyExports) as refused, exports:
            pass
        assert refused.value.headers["Retry-After"]
    with exports, exports:
        pass


async def test_one_export_after_the_other_gives_its_place_back(room, database, issuer):
    me = issuer.bearer(await database.person())
    for _ in range(8):
        assert await lines(room, me) == []


async def test_many_at_once_are_answered_or_asked_to_come_back(room, database, issuer):
    user = await database.person()
    await database.admin(FILL, user, 2000)
    me = issuer.bearer(user)
    answers = await asyncio.gather(*(room.get("/messages/export", headers=me) for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert all(len(answer.text.splitlines()) == 2000 for answer in answers if answer.status_code == 200)
    assert len(await lines(room, me)) == 2000
