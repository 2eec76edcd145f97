"""What was read of a call before an operator made its send again says nothing of the new call.

Decision 0187.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest

from ava_local.postgres.cluster import SUPERUSER
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.operator import replay
from ava_whatsapp_gateway.outbox import calls
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.queue.states import SendState
from ava_whatsapp_gateway.webhook import statuses

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .fake_peers import FakePeers
from .state_watch import put_send
from .test_group_commit import claimed
from .test_undelivered import answered, fail
from .waiting import until_blocked

OLDER = ("accepted", "accepted_2", "accepted_3")
"""What gateways of before call."""


_TOLD = "update whatsapp.outbox set state = 'accepted', wamid = $2, status = 'failed' where id = $1"


class Failed(NamedTuple):
    """An answer that Meta took and could not deliver."""

    send_id: UUID
    wamid: str


async def failed(gateway: Gateway, peers: FakePeers, linked: LinkNumber) -> Failed:
    await answered(gateway, linked)
    await fail(gateway, peers.sent[0])
    [row] = await gateway.pool.fetch("select id, wamid from whatsapp.outbox")
    return Failed(row["id"], row["wamid"])


@asynccontextmanager
async def replaying(database: Database, send: Failed) -> AsyncIterator[None]:
    """A status that tells of the acceptance, and an operator's replay, committed at the end."""
    connection = await asyncpg.connect(database.url(SUPERUSER))
    try:
        async with connection.transaction():
            await connection.execute(_TOLD, *send)
            rows = await connection.fetch("select id from whatsapp.outbox where id = $1", send.send_id)
            await replay._send_again(connection, rows)
            yield
    finally:
        await connection.close()


async def is_untouched(gateway: Gateway, send: Failed) -> bool:
    """As the replay has left it."""
    row = await gateway.pool.fetchrow("select state, wamid from whatsapp.outbox where id = $1", send.send_id)
    return row is not None and tuple(row) == ("ready", None)


@pytest.mark.parametrize("function", [*OLDER, "accepted_4"])
async def test_an_acceptance_that_was_told_of_before(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database, function: str
) -> None:
    send = await failed(gateway, peers, linked)
    async with replaying(database, send):
        pass
    await gateway.pool.fetch(f"select * from whatsapp.{function}($1, $2, null, $3)", *send, meta.NUMBER_ID)  # noqa: S608
    assert await is_untouched(gateway, send)


async def test_an_acceptance_that_comes_in_the_middle_of_the_replay(
    gateway: Gateway, database: Database
) -> None:
    [event] = await claimed(gateway, 1)
    send = Failed(await put_send(database, event.id, SendState.SENDING), "wamid.told")
    calling = await outbox.get(gateway.pool, send.send_id)
    async with replaying(database, send):
        said = calls.mark_accepted(gateway.writes, calling, send.wamid, None, meta.NUMBER_ID)
        waiting = asyncio.create_task(said)
        await until_blocked(database)
    assert await waiting == (None, False)
    assert await is_untouched(gateway, send)


async def test_a_status_that_is_applied_in_the_middle_of_the_replay(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    send = await failed(gateway, peers, linked)
    await gateway.pool.execute(
        "insert into whatsapp.statuses (wamid, status, rank, outbox_id, at)"
        " values ($2, 'read', 4, $1, now())",
        *send,
    )
    async with replaying(database, send):
        waiting = asyncio.create_task(statuses.settle(gateway.pool))
        await until_blocked(database)
    await waiting
    assert await is_untouched(gateway, send)
