"""The log tells who spoke when, also within one second.

Decision 0140.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import Delegate

THEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def turn(content: str, at: datetime, *, role: str = "user") -> dict[str, Any]:
    """A turn as the gateway keeps it: the user's with Meta's time, which has whole seconds."""
    sent = {"sent_at": at.isoformat()} if role == "user" else {}
    body = {"channel": "whatsapp", "role": role, "content": content, "external_id": f"wamid.{content}"}
    return body | sent | {"created_at": at.isoformat()}


async def contents(client: httpx.AsyncClient, me: dict[str, str], **query: str) -> list[str]:
    page = (await client.get("/messages", params={"order": "oldest"} | query, headers=me)).json()
    return [message["content"] for message in page["messages"]]


async def test_within_one_second_the_log_is_the_conversation_as_it_went(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me = delegate(await database.person())
    spoken = [
        turn("Q1", THEN),
        turn("A1", THEN + timedelta(milliseconds=769), role="assistant"),
        turn("Q2", THEN),
        turn("A2", THEN + timedelta(milliseconds=700), role="assistant"),
        turn("Q3", THEN - timedelta(seconds=1)),
    ]
    kept = [(await client.put(f"/messages/{uuid4()}", json=one, headers=me)).json() for one in spoken]
    assert await contents(client, me) == ["Q1", "A1", "Q2", "A2", "Q3"]
    times = [datetime.fromisoformat(message["created_at"]) for message in kept]
    assert times == sorted(set(times))
    sent = [message["sent_at"] for message in kept]
    assert sent == ["2026-03-04T05:06:07Z", None, "2026-03-04T05:06:07Z", None, "2026-03-04T05:06:06Z"]


async def test_what_is_written_in_the_app_follows_what_the_log_has(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    user = await database.person()
    ahead = datetime.now(UTC) + timedelta(minutes=2)
    await client.put(f"/messages/{uuid4()}", json=turn("ahead", ahead), headers=delegate(user))
    await client.post("/messages", json={"content": "in the app"}, headers=issuer.bearer(user))
    assert await contents(client, issuer.bearer(user)) == ["ahead", "in the app"]


async def test_another_users_messages_place_nothing(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    ada, ben = await database.person(), await database.person()
    await client.post("/messages", json={"content": "now"}, headers=issuer.bearer(ben))
    kept = await client.put(f"/messages/{uuid4()}", json=turn("then", THEN), headers=delegate(ada))
    assert datetime.fromisoformat(kept.json()["created_at"]) == THEN


async def test_a_turn_of_a_gateway_that_sends_no_time_of_the_phone_is_kept(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    """Release 0.1.0 names Meta's time `created_at` only."""
    body = turn("old", THEN)
    del body["sent_at"]
    kept = await client.put(f"/messages/{uuid4()}", json=body, headers=delegate(await database.person()))
    assert (kept.status_code, kept.json()["created_at"]) == (201, "2026-03-04T05:06:07Z")
    assert kept.json()["sent_at"] is None


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_cursor_that_was_given_out_before_misses_nothing(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate, order: str
) -> None:
    user = await database.person()
    me, gateway = issuer.bearer(user), delegate(user)
    for minute in range(5):
        at = THEN + timedelta(minutes=minute)
        await client.put(f"/messages/{uuid4()}", json=turn(f"{minute}", at), headers=gateway)
    first = (await client.get(f"/messages?order={order}&limit=3", headers=me)).json()
    await client.put(f"/messages/{uuid4()}", json=turn("late", THEN), headers=gateway)
    rest = await contents(client, me, order=order, cursor=first["next"])
    assert rest == (["3", "4", "late"] if order == "oldest" else ["1", "0"])


async def test_messages_written_at_once_are_found_by_who_follows_the_log(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    """What is committed later stands later: a reader that has the newest message has all before it."""
    user = await database.person()
    me, seen, writing = issuer.bearer(user), list[str](), True

    async def follow() -> None:
        last: UUID | None = None
        while writing or last is None:
            page = (await client.get("/messages?limit=200&order=oldest", headers=me)).json()["messages"]
            ids = [message["id"] for message in page]
            assert ids[: len(seen)] == seen
            seen[:] = ids
            last = UUID(ids[-1]) if ids else None

    async def write(number: int) -> None:
        await client.put(f"/messages/{uuid4()}", json=turn(f"{number}", THEN), headers=delegate(user))

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(number) for number in range(30)))
    writing = False
    await following
    assert len(await contents(client, me, limit="200")) == 30
