"""What is sent: a row before every call, and every outcome a fact that no later hand overwrites."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from ava_common.database import Pool
from ava_whatsapp_gateway.events import Event, LeaseLost
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.turn_ids import new_turn_id


@dataclass(frozen=True, slots=True)
class Row:
    """One message to send; `settled` when no call is needed any more."""

    id: UUID
    body: str
    state: str
    attempts: int
    resent: bool
    wamid: str | None
    accepted_at: datetime | None
    changed_at: datetime
    code: int | None
    failures: int


_COLUMNS = "id, body, state, attempts, resent, wamid, accepted_at, changed_at, code, failures"
_OF = f"select {_COLUMNS} from whatsapp.outbox where event_id = $1 and kind = $2 order by part"  # noqa: S608
_ONE = f"select {_COLUMNS} from whatsapp.outbox where id = $1"  # noqa: S608
_PREPARE = """
with lane as (select whatsapp.hold($1, $2, $3) as held),
noted as (
  update whatsapp.events set user_id = $5, avatar_id = $6, logged_at = coalesce(logged_at, clock_timestamp())
  where id = $4 and (select held from lane)
), put as (
  insert into whatsapp.outbox (id, event_id, contact_id, part, body)
  select letter.id, $4, $1, letter.part - 1, letter.body
  from unnest($7::uuid[], $8::text[]) with ordinality as letter (id, body, part)
  where (select held from lane)
  on conflict do nothing
)
select held from lane
"""
_NOTICE = """
insert into whatsapp.outbox (id, event_id, contact_id, kind, body, notice_day)
values ($1, $2, $3, 'notice', $4, case when $5 then (clock_timestamp() at time zone 'utc')::date end)
on conflict do nothing
"""
_BEGIN = "select verdict, pause, attempt from whatsapp.begin_send($1, $2, $3, $4, $5, $6, $7, $8)"
_ACCEPTED = "select whatsapp.accepted($1, $2, $3, $4)"
_NOT_SENT = "select whatsapp.not_sent($1, $2, $3, $4, $5, $6)"
_UNKNOWN = """
update whatsapp.outbox set state = 'unknown', error = $3, changed_at = clock_timestamp()
where id = $1 and attempts = $2 and state = 'sending'
"""
_RESEND = """
update whatsapp.outbox set state = 'ready', resent = true, changed_at = clock_timestamp()
where id = $1 and state = 'unknown' and not resent
"""


def _row(record: asyncpg.Record) -> Row:
    return Row(*record)


async def of(pool: Pool, event: Event, kind: str = "answer") -> list[Row]:
    """What was prepared for this event, in order."""
    return [_row(record) for record in await pool.fetch(_OF, event.id, kind)]


async def one(pool: Pool, letter: UUID) -> Row:
    record = await pool.fetchrow(_ONE, letter)
    if record is None:
        raise LeaseLost  # the account was deleted, and all that is its with it
    return _row(record)


async def prepare(
    pool: Pool, event: Event, person: UUID, avatar: UUID | None, bodies: Sequence[str], lease: float
) -> list[Row]:
    """Note that the turn is logged and put down what will be sent, in one statement, before any call."""
    ids = [new_turn_id() for _ in bodies]
    lane = event.contact.id, event.token, timedelta(seconds=lease)
    if not await pool.fetchval(_PREPARE, *lane, event.id, person, avatar, ids, list(bodies)):
        raise LeaseLost
    if event.letters:
        return await of(pool, event)
    return [
        Row(letter, body, "ready", 0, False, None, None, event.received_at, None, 0)
        for letter, body in zip(ids, bodies, strict=True)
    ]


async def notice(pool: Pool, event: Event, body: str, *, daily: bool) -> list[Row]:
    """This event's polite answer; a daily one only when today's is not another event's already."""
    await pool.execute(_NOTICE, new_turn_id(), event.id, event.contact.id, body, daily)
    return await of(pool, event, "notice")


async def begin(pool: Pool, event: Event, letter: UUID, settings: Settings) -> asyncpg.Record:
    """The last word before a call: `verdict`, how long to wait (s), and which attempt this is."""
    record = await pool.fetchrow(
        _BEGIN,
        event.contact.id,
        event.token,
        letter,
        settings.phone_number_id,
        timedelta(seconds=settings.lease),
        timedelta(seconds=settings.pair_gap),
        settings.pair_burst,
        timedelta(seconds=settings.probe),
    )
    assert record is not None  # noqa: S101 - the function always answers
    return record


async def accepted(pool: Pool, letter: UUID, wamid: str, alias: str | None, number: str) -> bool:
    """Note the wamid, whoever holds the lane by now; True when this closed the number's circuit."""
    return bool(await pool.fetchval(_ACCEPTED, letter, wamid, alias, number))


async def not_sent(
    pool: Pool, letter: UUID, attempt: int, code: int | None, error: str, *, final: bool, counts: bool
) -> None:
    """Back to `ready`, or `failed` when nothing will change it; wakes an event that waited to hear of it."""
    await pool.execute(_NOT_SENT, letter, attempt, "failed" if final else "ready", counts, code, error)


async def unknown(pool: Pool, letter: UUID, attempt: int, why: str) -> None:
    await pool.execute(_UNKNOWN, letter, attempt, why)


async def resend(pool: Pool, letter: UUID) -> None:
    """Let a send whose fate nobody told us be made once more: the operator's policy says so."""
    await pool.execute(_RESEND, letter)
