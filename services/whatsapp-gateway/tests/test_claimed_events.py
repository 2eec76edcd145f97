"""What is claimed with a lane are its events as they are once the lane is locked."""

import asyncio

import asyncpg

from ava_common.uuid7 import uuid7
from ava_local.postgres.cluster import SUPERUSER
from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway
from .waiting import until_blocked


async def test_what_has_ended_before_the_lane_was_locked_is_not_claimed(
    gateway: Gateway, database: Database
) -> None:
    await gateway.keep(meta.text(body="first"), meta.text(body="second"))
    await gateway.ingest()
    other = await asyncpg.connect(database.url(SUPERUSER))
    async with other.transaction():
        await other.execute("lock table whatsapp.lanes")
        claiming = asyncio.create_task(gateway.claim())
        await until_blocked(database)  # the claim has begun, and has looked at nothing of this lane yet
        await other.execute(
            "update whatsapp.events set state = 'discarded', words = '' where words = 'first'"
        )
        await other.execute("update whatsapp.events set words = 'changed' where words = 'second'")
    await other.close()
    [lane] = await claiming
    assert [event.words for event in lane.events] == ["changed"]


async def test_a_notice_is_not_taken_for_an_answer(gateway: Gateway, database: Database) -> None:
    """An event that was held and told so has no answer yet: it is still to be decided."""
    await gateway.keep(meta.text())
    await gateway.ingest()
    await database.admin(
        "insert into whatsapp.outbox (id, event_id, contact_id, kind, body)"
        " select $1, id, contact_id, 'notice', 'Hello!' from whatsapp.events",
        uuid7(),
    )
    [lane] = await gateway.claim()
    assert [event.send_count for event in lane.events] == [0]
