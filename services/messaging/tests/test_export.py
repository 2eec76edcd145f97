"""Taking everything along: one message per line, streamed."""

import asyncio
import contextlib
import json

import httpx
import pytest
from asgi_lifespan import LifespanManager
from starlette.requests import ClientDisconnect

from ava_messaging.app import create_app
from ava_messaging.export import Exports, Lines, TooManyExports

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


class Hurried(Lines):
    patience_seconds = 0.05


@pytest.mark.parametrize("version", ["2.3", "2.4"])
async def test_a_reader_that_stops_reading_is_let_go(version):
    async def endless():
        while True:
            yield b"{}\n"

    async def never(*_):
        await asyncio.Event().wait()

    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": version}}
    with pytest.raises((TimeoutError, ClientDisconnect)):
        await Hurried(endless())(scope, never, never)


async def test_a_reader_that_leaves_in_the_middle_gives_its_place_back(settings, database, issuer):
    user = await database.person()
    await database.admin(FILL, user, 5000)
    async with LifespanManager(create_app(settings), startup_timeout=60, shutdown_timeout=60) as running:
        for _ in range(5):
            await leave_early(running.app, issuer.bearer(user))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(running.app), base_url="http://room"
        ) as room:
            assert len(await lines(room, issuer.bearer(user))) == 5000


async def leave_early(app, headers):
    """Ask for the export as a client that is gone after the first bytes, as uvicorn tells it."""
    gone = asyncio.Event()

    async def send(message):
        if message.get("body"):
            gone.set()
            await asyncio.sleep(0.05)

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": "GET", "path": "/messages/export", "raw_path": b"/messages/export", "query_string": b"",
        "root_path": "", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    with contextlib.suppress(Exception):
        await app(scope, receive, send)
