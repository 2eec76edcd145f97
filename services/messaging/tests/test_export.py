"""The export: one message per line, streamed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message

from ava_common.caller import Caller
from ava_common.database import open_pool
from ava_local.testing.databases import Database
from ava_local.testing.running_app import client_of, started
from ava_local.testing.token_issuer import Issuer
from ava_messaging.app import create_app
from ava_messaging.export import ExportSlots, NdjsonResponse, TooManyExports, open_export
from ava_messaging.filters import ExportQuery
from ava_messaging.settings import Settings

from .conftest import FillLog

FILL = """insert into public.messages (user_id, channel, role, content)
select $1, 'app', 'user', 'Line ' || n from generate_series(1, $2) n"""


async def lines(client: httpx.AsyncClient, headers: dict[str, str], **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/messages/export", params=query, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_an_empty_log_is_an_empty_export(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    assert await lines(client, issuer.bearer(await database.person())) == []


async def test_the_export_has_every_message_of_the_user_and_no_other_oldest_first(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    user, other = await database.person(), await database.person()
    await database.admin(FILL, user, 1203)
    await database.admin(FILL, other, 3)
    exported = await lines(client, issuer.bearer(user))
    assert [message["content"] for message in exported] == [f"Line {n}" for n in range(1, 1204)]
    assert (
        exported[0]
        == (await client.get(f"/messages/{exported[0]['id']}", headers=issuer.bearer(user))).json()
    )


async def test_the_export_may_be_filtered_like_a_page(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, fill_log: FillLog
) -> None:
    user = await database.person()
    await fill_log(
        user, [(0, "app", "user", "Hello"), (1, "whatsapp", "user", "Hi"), (2, "app", "user", "Bye")]
    )
    me = issuer.bearer(user)
    assert [message["content"] for message in await lines(client, me, channel="app", order="newest")] == [
        "Bye",
        "Hello",
    ]
    assert [message["content"] for message in await lines(client, me, text="HI")] == ["Hi"]
    for unknown in ({"limit": 5}, {"order": "random"}):
        assert (await client.get("/messages/export", params=unknown, headers=me)).status_code == 422


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_an_export_shows_one_moment_whatever_is_written_meanwhile(
    database: Database, order: Literal["oldest", "newest"]
) -> None:
    user = await database.person()
    await database.admin(FILL, user, 30)
    async with (
        open_pool(database.url("ava_messaging"), name="messaging") as pool,
        open_export(ExportSlots(), pool, Caller(user, "", 0), ExportQuery(order=order), at_once=10) as lines,
    ):
        first = await anext(lines)
        await database.admin("delete from public.messages where content = 'Line 15'")
        await database.admin(FILL, user, 5)
        rest = [line async for line in lines]
    exported = [json.loads(line)["content"] for line in b"".join([first, *rest]).splitlines()]
    numbers = range(1, 31) if order == "oldest" else range(30, 0, -1)
    assert exported == [f"Line {n}" for n in numbers]


async def test_only_a_few_exports_run_at_once() -> None:
    exports = ExportSlots(at_once=2)
    with exports, exports:
        with pytest.raises(TooManyExports) as refused, exports:
            pass
        assert refused.value.headers["Retry-After"]
    with exports, exports:
        pass


async def test_a_finished_export_frees_its_slot(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    for _ in range(8):
        assert await lines(client, me) == []


async def test_of_many_exports_at_once_each_is_complete_or_told_to_try_again(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    user = await database.person()
    await database.admin(FILL, user, 2000)
    me = issuer.bearer(user)
    answers = await asyncio.gather(*(client.get("/messages/export", headers=me) for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert all(len(answer.text.splitlines()) == 2000 for answer in answers if answer.status_code == 200)
    assert len(await lines(client, me)) == 2000


class Impatient(NdjsonResponse):
    patience_seconds = 0.05


@pytest.mark.parametrize("version", ["2.3", "2.4"])
async def test_a_client_that_stops_reading_is_disconnected(version: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"{}\n"

    async def receive() -> Message:
        return {"type": "http.disconnect"} if await asyncio.Event().wait() else {}

    async def send(_: Message) -> None:
        await asyncio.Event().wait()

    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": version}}
    with pytest.raises((TimeoutError, ClientDisconnect)):
        await Impatient(endless())(scope, receive, send)


async def test_a_client_that_disconnects_midway_frees_its_slot(
    settings: Settings, database: Database, issuer: Issuer
) -> None:
    user = await database.person()
    await database.admin(FILL, user, 5000)
    async with started(create_app(settings)) as running, client_of(running) as client:
        for _ in range(5):
            await disconnect_early(running, issuer.bearer(user))
        assert len(await lines(client, issuer.bearer(user))) == 5000


async def disconnect_early(app: ASGIApp, headers: dict[str, str]) -> None:
    """Ask for the export as a client that disconnects after the first bytes, as uvicorn reports it."""
    gone = asyncio.Event()

    async def send(message: Message) -> None:
        if message.get("body"):
            gone.set()
            await asyncio.sleep(0.05)

    async def receive() -> Message:
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
