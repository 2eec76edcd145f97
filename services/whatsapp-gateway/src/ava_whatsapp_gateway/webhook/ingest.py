"""Ingest stored deliveries: parse each into events and statuses, in commit order, one process at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from ava_common.database import AWAY, Connection, Pool
from ava_common.log import log
from ava_whatsapp_gateway.cloud_api.lenient_json import Unreadable
from ava_whatsapp_gateway.cloud_api.names import names_in
from ava_whatsapp_gateway.cloud_api.payload_parser import parse_updates
from ava_whatsapp_gateway.cloud_api.updates import Message, Move, Other, Sender, Status, Update
from ava_whatsapp_gateway.contacts.store import ContactStore
from ava_whatsapp_gateway.metrics import DUPLICATES, ITEMS, STATUSES
from ava_whatsapp_gateway.uuid7 import uuid7

# One process at a time: an event acknowledged earlier is in its lane before a later one.
_LOCK = "select pg_try_advisory_xact_lock(hashtextextended('whatsapp.split', 0))"
_NEW = """
select id, body, trace, received_at from whatsapp.deliveries
where state = 'new' and id > $2 order by id limit $1
"""
_SPLIT = """
update whatsapp.deliveries as d set state = 'split', error = null, names = string_to_array(read.names, ' ')
from unnest($1::bigint[], $2::text[]) as read (id, names) where d.id = read.id
"""
_QUARANTINE = "update whatsapp.deliveries set state = 'quarantined', error = $2 where id = any ($1)"
_EVENTS = """
insert into whatsapp.events
  (key, delivery_id, contact_id, kind, state, turn_id, words, sent_at, received_at, trace, reason, item,
   names)
select key, delivery, contact, kind, state, turn, words, sent_at, received_at, trace, reason, item,
  string_to_array(names, ' ')
from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::text[],
  $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::bytea[], $13::text[])
  as read (key, delivery, contact, kind, state, turn, words, sent_at, received_at, trace, reason, item, names)
on conflict (key) do nothing returning contact_id, state
"""
_SEEN = "select key from whatsapp.events where key = any ($1)"
_STATUSES = """
insert into whatsapp.statuses (wamid, status, rank, outbox_id, at, code, error)
select * from unnest($1::text[], $2::text[], $3::int[], $4::uuid[], $5::timestamptz[], $6::int[], $7::text[])
on conflict (wamid, status) do nothing
"""
_WAKE = "select whatsapp.wake(p_contact_ids => $1, p_at_once => false)"
_SETTLE = "select whatsapp.settle(p_limit => $1)"

_BATCH_DELIVERIES, _BATCH_SENDS = 32, 500
"""At most so many in one transaction."""

Columns = tuple[Any, ...]
Keyed = Message | Move | Other


async def ingest(pool: Pool, number_id: str) -> int:
    """Ingest what waits; the number of deliveries done, 0 when none waits or another process is ingesting."""
    done = await _ingest_batch(pool, number_id)
    if done:
        # In a transaction of its own, so that lanes are locked before sends, as everywhere.
        while await pool.fetchval(_SETTLE, _BATCH_SENDS):
            pass
    return done


async def _ingest_batch(pool: Pool, number_id: str) -> int:
    try:
        return await _ingest(pool, number_id, _BATCH_DELIVERIES)
    except AWAY:
        raise
    except Exception:
        # Something in this batch cannot be stored as it is: find it by going one by one.
        log.exception("ingest.one_by_one")
        return await _ingest_first(pool, number_id)


async def _ingest_first(pool: Pool, number_id: str) -> int:
    try:
        return await _ingest(pool, number_id, 1)
    except AWAY:
        raise
    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
        return 1  # nothing is wrong with it; the next round takes it again
    except Exception as error:
        return await _quarantine_first(pool, type(error).__name__)


async def _quarantine_first(pool: Pool, why: str) -> int:
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(_LOCK):
            return 0
        rows = await connection.fetch(_NEW, 1, 0)
        await connection.execute(_QUARANTINE, [row["id"] for row in rows], why)
        return len(rows)


async def _ingest(pool: Pool, number_id: str, most: int) -> int:
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(_LOCK):
            return 0
        deliveries = await connection.fetch(_NEW, most, 0)
        if not deliveries:
            return 0
        found, unreadable = _parse_all(deliveries, number_id)
        # First, because this indexes their names, which should not take place while lanes are locked.
        done = [(row["id"], names_in(row["body"])) for row in deliveries if row["id"] not in unreadable]
        await connection.execute(_SPLIT, *_columns(done, 2))
        for delivery, why in unreadable.items():
            await connection.execute(_QUARANTINE, [delivery], why)
        await _store(connection, found)
        return len(deliveries)


Found = list[tuple[asyncpg.Record, Update]]
"""Each update with the delivery it came in."""


def _parse_all(deliveries: Sequence[asyncpg.Record], number_id: str) -> tuple[Found, dict[int, str]]:
    found: Found = []
    unreadable: dict[int, str] = {}
    for delivery in deliveries:
        try:
            found += [(delivery, update) for update in parse_updates(delivery["body"], number_id)]
        except Unreadable as error:
            log.warning("delivery.quarantined", delivery=delivery["id"], why=str(error))
            unreadable[delivery["id"]] = str(error)
    return found, unreadable


async def _store(connection: Connection, found: Found) -> None:
    fresh = await _without_duplicates(connection, found)
    contacts = await ContactStore.load(connection, _senders(fresh))
    events = [await _event_row(contacts, row, item) for row, item in fresh]
    stored = await connection.fetch(_EVENTS, *_columns(events, 13))
    statuses = [_status_row(row, item) for row, item in found if isinstance(item, Status)]
    if statuses:
        await connection.execute(_STATUSES, *_columns(statuses, 7))
    for _, item in found:
        ITEMS.labels(type(item).__name__.lower()).inc()
        if isinstance(item, Status):
            STATUSES.labels(item.status, "" if item.code is None else str(item.code)).inc()
    # Last, because a worker on one of these lanes waits from here until the commit.
    if woken := [row["contact_id"] for row in stored if row["state"] == "ready"]:
        await connection.execute(_WAKE, woken)


async def _without_duplicates(connection: Connection, found: Found) -> list[tuple[asyncpg.Record, Keyed]]:
    """What has not arrived before: a message that comes again must not bring back its sender's old number."""
    keyed = [(row, item) for row, item in found if not isinstance(item, Status)]
    keys = [item.key for _, item in keyed]
    seen = {row["key"] for row in await connection.fetch(_SEEN, keys)}
    fresh = {item.key: (row, item) for row, item in reversed(keyed) if item.key not in seen}
    DUPLICATES.inc(len(keyed) - len(fresh))
    return list(reversed(fresh.values()))


def _senders(found: Sequence[tuple[asyncpg.Record, Keyed]]) -> list[Sender]:
    senders = [item.sender for _, item in found if isinstance(item, Message) and not item.ignored]
    moves = [item for _, item in found if isinstance(item, Move)]
    return senders + [side for move in moves for side in (move.before, move.after)]


async def _event_row(contacts: ContactStore, delivery: asyncpg.Record, item: Keyed) -> Columns:
    """The columns of whatsapp.events from `key` to `names`."""
    received, trace = delivery["received_at"], delivery["trace"]
    contact, kind, state, reason = None, "system", "ignored", ""
    turn: UUID | None = None
    words, sent_at = None, received
    if isinstance(item, Message):
        kind, reason = item.kind, item.ignored
        sent_at = _not_later(item.sent_at, received)
        if not reason:
            contact, state = await contacts.contact_of(item.sender), "ready"
            turn, words = uuid7(), item.words
    elif isinstance(item, Move):
        reason = await contacts.follow(item) or "followed"
    else:
        kind, reason = item.kind, item.broken or "unhandled field"
        state = "quarantined" if item.broken else "ignored"
    where = delivery["id"], contact
    # An event with a contact is found through it.
    names = names_in(item.item) if contact is None else None
    return item.key, *where, kind, state, turn, words, sent_at, received, trace, reason, item.item, names


def _not_later(sent_at: datetime | None, received_at: datetime) -> datetime:
    """Meta's clock may be ahead of ours, and a message is never sent after it was received."""
    return min(sent_at, received_at) if sent_at else received_at


def _status_row(delivery: asyncpg.Record, item: Status) -> Columns:
    at = item.at or delivery["received_at"]
    return item.wamid, item.status, item.rank, item.send_id, at, item.code, item.error


def _columns(rows: Sequence[Columns], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
