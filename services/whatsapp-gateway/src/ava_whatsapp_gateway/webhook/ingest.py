"""Ingest stored deliveries: parse each into events and statuses, in commit order, one process at a time.

Decisions 0050, 0094, 0141, 0160, 0175 and 0186.
"""

from collections.abc import Awaitable, Callable

import asyncpg

from ava_common.database import BUSY, Connection, Pool
from ava_common.database_errors import is_about_data
from ava_common.log import log
from ava_common.uuid7 import uuid7
from ava_whatsapp_gateway.cloud_api import account_notices, updates
from ava_whatsapp_gateway.cloud_api.lenient_json import Unreadable, name_hashes_in, names_in
from ava_whatsapp_gateway.cloud_api.message_details import beyond_words
from ava_whatsapp_gateway.cloud_api.payload_parser import parse_updates
from ava_whatsapp_gateway.cloud_api.updates import AccountNotice, Message, Move, Other, Status, Update
from ava_whatsapp_gateway.contacts.store import ContactStore
from ava_whatsapp_gateway.metrics import DUPLICATES, ITEMS
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.webhook import arrivals, event_rows, statuses
from ava_whatsapp_gateway.webhook.event_rows import EventRow, Stored
from ava_whatsapp_gateway.webhook.known_events import KNOWN, KnownEvents

_QUARANTINE = "update whatsapp.deliveries set state = 'quarantined', error = $2 where id = any ($1)"
_FORGET = "delete from whatsapp.deliveries where id = any ($1) and state = 'split'"

BATCH_DELIVERIES = 32
"""At most so many in one transaction."""

Keyed = Message | Move | AccountNotice | Other
Found = list[tuple[asyncpg.Record, Update]]
"""Each update with the delivery it came in."""
Store = Callable[[Connection, Found], Awaitable[Stored]]


async def ingest(pool: Pool, number_id: str) -> int:
    """Ingest what waits; the number of deliveries done, 0 when none waits or another process is ingesting."""
    try:
        done, unsettled = await _parse_and_store(pool, number_id, BATCH_DELIVERIES, _store)
    except BUSY:
        return BATCH_DELIVERIES  # nothing is wrong with them; the next round takes them again
    except Exception as error:
        if not is_about_data(error):
            raise
        # Something in this batch cannot be stored as it is: find it by going one by one.
        log.exception("ingest.one_by_one")
        done, unsettled = await _one_by_one(pool, number_id)
    if unsettled:
        await statuses.settle(pool)
    return done


async def _one_by_one(pool: Pool, number_id: str) -> tuple[int, int]:
    done = unsettled = 0
    while done < BATCH_DELIVERIES:
        try:
            one, left = await _parse_and_store(pool, number_id, 1, _store_each)
            if not one:
                break
            unsettled += left
        except BUSY:
            pass  # nothing is wrong with it; it is taken again
        done += 1
    return done, unsettled


async def _parse_and_store(pool: Pool, number_id: str, most: int, store: Store) -> tuple[int, int]:
    """How many deliveries, and how many of their statuses are not merged into their sends yet."""
    async with pool.acquire() as connection, connection.transaction():
        deliveries = await arrivals.take(connection, most)
        found: Found = []
        hashes: dict[int, list[int]] = {}
        stored = Stored([], [], 0)
        for row in deliveries:
            try:
                read = parse_updates(row["body"], number_id, row["received_at"].date())
                hashes[row["id"]] = name_hashes_in(row["body"])
                found += [(row, update) for update in read]
            except Exception as error:
                why = str(error) if isinstance(error, Unreadable) else type(error).__name__
                log.warning("delivery.quarantined", delivery=row["id"], why=why)
                await connection.execute(_QUARANTINE, [row["id"]], why)
        if deliveries:
            # First, because this indexes the names, which should not take place while lanes are locked.
            await arrivals.done(connection, deliveries, hashes)
        if hashes:
            stored = await store(connection, found)
        if stored.copies:
            await connection.execute(_FORGET, stored.copies)
    for notice in stored.notices:
        account_notices.announce(notice)
    return len(deliveries), stored.unsettled


async def _store(connection: Connection, found: Found) -> Stored:
    """Store them all at once."""
    known, keys = KnownEvents(), [item.key for _, item in found if not isinstance(item, Status)]
    if rows := keys and await connection.fetch(KNOWN, keys):
        known.note(rows)
    fresh = _without_duplicates(known, found)
    for _, item in found:
        ITEMS.labels(type(item).__name__.lower()).inc()
    if fresh:
        senders = [item.sender for _, item in fresh if isinstance(item, Message) and not item.ignored]
        moves = [item for _, item in fresh if isinstance(item, Move)]
        contacts = await ContactStore.load(connection, senders, moves)
        events = [await _event_row(contacts, known, row, item) for row, item in fresh]
        # A contact that was found out to be another's since an earlier item was read is gone.
        if gone := contacts.united:
            events = [
                event._replace(contact_id=gone.get(event.contact_id or 0, event.contact_id))
                for event in events
            ]
        await connection.execute(event_rows.INSERT_EVENTS, *zip(*events, strict=True))
    told = [(row["received_at"], item) for row, item in found if isinstance(item, Status)]
    return Stored(
        [item for _, item in fresh if isinstance(item, AccountNotice)],
        [row["id"] for row, item in found if not isinstance(item, Status) and item.key in known.deleted],
        await statuses.keep(connection, told) if told else 0,
    )


async def _store_each(connection: Connection, found: Found) -> Stored:
    """One item at a time: what cannot be stored is quarantined, and costs its siblings nothing."""
    stored = Stored([], [], 0)
    for delivery, item in found:
        try:
            async with connection.transaction():
                one = await _store(connection, [(delivery, item)])
            left = stored.unsettled + one.unsettled
            stored = Stored(stored.notices + one.notices, stored.copies + one.copies, left)
        except Exception as error:
            if not is_about_data(error):
                raise
            why = type(error).__name__
            log.warning("event.quarantined", delivery=delivery["id"], why=why, exc_info=True)
            await _quarantine(connection, delivery, item, why)
    return stored


async def _quarantine(connection: Connection, delivery: asyncpg.Record, item: Update, why: str) -> None:
    """The item as an event of its own; where not even that can be stored, the delivery, to be read again."""
    try:
        async with connection.transaction():
            await _store(connection, [(delivery, updates.unstorable(item, why))])
    except Exception as error:
        if not is_about_data(error):
            raise
        await connection.execute(_QUARANTINE, [delivery["id"]], why)


def _without_duplicates(known: KnownEvents, found: Found) -> list[tuple[asyncpg.Record, Keyed]]:
    """What has not arrived before: a message that comes again must not bring back its sender's old number."""
    keyed = [(row, item) for row, item in found if not isinstance(item, Status)]
    fresh = {item.key: (row, item) for row, item in reversed(keyed) if item.key not in known.seen}
    DUPLICATES.inc(len(keyed) - len(fresh))
    return list(reversed(fresh.values()))


async def _event_row(
    contacts: ContactStore, known: KnownEvents, delivery: asyncpg.Record, item: Keyed
) -> EventRow:
    received_at = delivery["received_at"]
    origin = item.key, delivery["id"], received_at, delivery["trace"], item.item
    row = EventRow(*origin, sent_at=received_at)
    if isinstance(item, Message):
        # Meta's clock may be ahead of ours, and a message is never sent after it was received.
        sent_at = min(item.sent_at or received_at, received_at)
        row = row._replace(kind=item.kind, reason=item.ignored, sent_at=sent_at)
        if not item.ignored:
            contact = await contacts.contact_of(item.sender)
            said = row._replace(contact_id=contact, turn_id=uuid7(), corrects=item.corrects or None)
            kept = beyond_words(item.kind, item.item)
            said = said._replace(state=EventState.READY, words=item.words, item=kept)
            return known.corrected(said) if known.words else said
    row = row._replace(names=" ".join(names_in(item.item)))
    if isinstance(item, Move):
        return row._replace(reason=await contacts.follow(item) or "followed")
    if isinstance(item, AccountNotice):
        return row._replace(kind=item.kind, reason=item.what or item.kind)
    if isinstance(item, Other):
        state = EventState.QUARANTINED if item.broken else EventState.IGNORED
        return row._replace(kind=item.kind, state=state, reason=item.broken or "unhandled field")
    return row
