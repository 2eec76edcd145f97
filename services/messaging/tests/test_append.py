"""A new message is answered from what was sent and from what the database adds to it.

Decision 0185.
"""

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from ava_common.uuid7 import made_at
from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import CreateAvatar, Delegate

TURN = {"channel": "whatsapp", "role": "user", "content": "Grüße 🌻 \"\\ 'here'"}
# As messaging called it before, for a turn of the gateway.
BEFORE = """
select is_new from messaging.append(p_claims => $1, p_id => gen_random_uuid(), p_avatar_id => null,
  p_own_avatar => true, p_channel => 'whatsapp', p_role => 'user', p_content => 'n', p_external_id => $2,
  p_sent_at => null, p_wanted => '2026-03-04T05:06:07Z')
"""
OWN = """
select set_config('role', 'ava_messaging', true), set_config('request.jwt.claims', $1, true)
"""


def claims(user: UUID, more: dict[str, Any]) -> str:
    return json.dumps({"sub": str(user), "role": "authenticated"} | more)


@pytest.mark.parametrize(
    "turn",
    [
        TURN,
        TURN | {"external_id": "wamid.1", "sent_at": "2026-03-04T07:06:07+02:00"},
        TURN | {"role": "assistant", "created_at": "2026-03-04T05:06:07.890123Z"},
        TURN | {"channel": "app", "created_at": "2026-03-04T05:06:07.000001Z"},
    ],
)
@pytest.mark.parametrize("has_avatar", [True, False])
async def test_a_new_message_is_answered_as_it_will_be_read(
    client: httpx.AsyncClient,
    database: Database,
    delegate: Delegate,
    create_avatar: CreateAvatar,
    turn: dict[str, Any],
    has_avatar: bool,
) -> None:
    user = await database.person()
    avatar = str(await create_avatar(user)) if has_avatar else None
    for more in ({}, {"external_id": "wamid.2", "avatar_id": avatar}):
        stored = await client.put(f"/messages/{uuid4()}", json=turn | more, headers=delegate(user))
        read = await client.get(stored.headers["location"], headers=delegate(user))
        assert (stored.status_code, stored.json()) == (201, read.json())
        assert stored.json()["avatar_id"] == (avatar if turn["role"] == "user" or more else None)


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
async def test_a_message_of_the_app_is_answered_as_it_will_be_read(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, key: dict[str, str]
) -> None:
    me = issuer.bearer(await database.person())
    written = await client.post("/messages", json={"content": TURN["content"]}, headers=me | key)
    read = await client.get(written.headers["location"], headers=me)
    assert (written.status_code, written.json()) == (201, read.json())
    made, stands = made_at(UUID(read.json()["id"])), datetime.fromisoformat(read.json()["created_at"])
    assert made is not None
    assert 0 <= (stands - made).total_seconds() < 60


async def test_beside_a_copy_of_the_version_before_the_log_keeps_its_order_and_its_keys(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    """All were said at one moment, so that only the lock makes them stand one after the other."""
    user = await database.person()
    copies = [await asyncpg.connect(database.url("ava_messaging")) for _ in range(3)]
    turn, gateway = TURN | {"created_at": "2026-03-04T05:06:07Z"}, {"act": {"sub": "whatsapp-gateway"}}

    async def write(number: int) -> bool:
        body = turn | {"external_id": f"wamid.{number}"}
        kept = await client.put(f"/messages/{uuid4()}", json=body, headers=delegate(user))
        return kept.status_code == 201

    async def write_before(copy: asyncpg.Connection) -> list[bool]:
        return [await copy.fetchval(BEFORE, claims(user, gateway), f"wamid.{n}") for n in range(30)]

    try:
        newer, *older = await asyncio.gather(
            asyncio.gather(*(write(number) for number in reversed(range(30)))), *map(write_before, copies)
        )
    finally:
        for copy in copies:
            await copy.close()
    assert [sum(times) for times in zip(reversed(newer), *older, strict=True)] == [1] * 30
    assert 0 < sum(newer) < 30
    page = (await client.get("/messages?limit=200", headers=delegate(user))).json()["messages"]
    assert len({message["created_at"] for message in page}) == len(page) == 30


async def test_an_avatar_stays_until_the_message_to_it_is_stored(
    database: Database, create_avatar: CreateAvatar
) -> None:
    ada, ben = await database.person(), await database.person()
    avatars = {ada: await create_avatar(ada), ben: await create_avatar(ben)}
    connection = await asyncpg.connect(database.url("ava_messaging"))
    try:
        async with connection.transaction():
            await connection.execute(OWN, claims(ada, {}))
            asked = "select ava_private.own_ids(p_with_avatar => $1)"
            assert await connection.fetchval(asked, False) == [ada, None]
            assert await connection.fetchval(asked, True) == [ada, avatars[ada]]
            await database.admin("delete from public.avatars where user_id = $1", ben)
            with pytest.raises(asyncpg.LockNotAvailableError):
                await database.admin("select from public.avatars for update nowait")
    finally:
        await connection.close()
