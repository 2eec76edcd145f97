"""The rows of events that ingest writes, many in one statement.

See docs/contracts/postgres.md#what-is-written-ahead.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ava_whatsapp_gateway.cloud_api.updates import AccountNotice
from ava_whatsapp_gateway.queue.states import EventState


class EventRow(NamedTuple):
    """A row of whatsapp.events: its columns, in the order of the types in INSERT_EVENTS."""

    key: str
    delivery_id: int
    received_at: datetime
    trace: str
    item: bytes
    sent_at: datetime
    kind: str = "system"
    state: EventState = EventState.IGNORED
    reason: str = ""
    contact_id: int | None = None
    turn_id: UUID | None = None
    words: str | None = None
    corrects: str | None = None
    names: str | None = None
    """The ids and numbers in `item`, with spaces between; None when the contact tells them."""


class Stored(NamedTuple):
    """What is left to do once a batch is stored: to announce, to delete, to settle.

    `copies` are deliveries that hold what its sender has deleted; until then the events of their siblings
    need them. `unsettled` counts statuses that are not merged into their sends yet.
    """

    notices: list[AccountNotice]
    copies: list[int]
    unsettled: int


_EVENT_COLUMNS = ", ".join(EventRow._fields)
_READ = {"reason": "nullif(reason, '')", "names": "string_to_array(names, ' ')"}
_EVENT_VALUES = ", ".join(_READ.get(name, name) for name in EventRow._fields)

# The lanes come last: a worker on one of them waits from there until the commit. None is stored already: one
# process ingests at a time, and has asked; "on conflict" would write two records for each (decision 0178).
INSERT_EVENTS = f"""
with stored as (
insert into whatsapp.events ({_EVENT_COLUMNS})
select {_EVENT_VALUES}
from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::bytea[], $6::timestamptz[],
  $7::text[], $8::text[], $9::text[], $10::bigint[], $11::uuid[], $12::text[], $13::text[], $14::text[])
  as read ({_EVENT_COLUMNS})
returning contact_id, state)
select whatsapp.wake(p_at_once => false,
  p_contact_ids => array(select contact_id from stored where state = '{EventState.READY}'))
"""
