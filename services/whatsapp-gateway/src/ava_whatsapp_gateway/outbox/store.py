"""The outbox's rows: one before every call; outcomes are final, a later attempt never overwrites one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from ava_common.database import Pool
from ava_whatsapp_gateway.queue.event import Event
from ava_whatsapp_gateway.queue.outcomes import LeaseLost
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.uuid7 import uuid7


@dataclass(frozen=True, slots=True)
class Send:
    """One outgoing message and what became of it so far."""

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
_OF_EVENT = f"select {_COLUMNS} from whatsapp.outbox where event_id = $1 and kind = $2 order by part"
_ONE = f"select {_COLUMNS} from whatsapp.outbox where id = $1"
_PREPARE = """
with lane as (select whatsapp.hold(p_contact_id => $1, p_fence => $2, p_lease => $3) as held),
noted as (
  update whatsapp.events set user_id = $5, avatar_id = $6, logged_at = coalesce(logged_at, clock_timestamp())
  where id = $4 and (select held from lane)
), put as (
  insert into whatsapp.outbox (id, event_id, contact_id, part, body)
  select send.id, $4, $1, send.part - 1, send.body
  from unnest($7::uuid[], $8::text[]) with ordinality as send (id, body, part)
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
_BEGIN = """
select verdict, pause, attempt from whatsapp.begin_send(
  p_contact_id => $1, p_fence => $2, p_send_id => $3, p_phone_number_id => $4, p_lease => $5,
  p_pair_gap => $6, p_pair_burst => $7, p_probe => $8)
"""
_ACCEPTED = """
select whatsapp.accepted(p_send_id => $1, p_wamid => $2, p_alias_digits => $3, p_phone_number_id => $4)
"""
_NOT_SENT = """
select whatsapp.not_sent(
  p_send_id => $1, p_attempt => $2, p_state => $3, p_counts => $4, p_code => $5, p_error => $6)
"""
_UNKNOWN = """
update whatsapp.outbox set state = 'unknown', error = $3, changed_at = clock_timestamp()
where id = $1 and attempts = $2 and state = 'sending'
"""
_RESEND = """
update whatsapp.outbox set state = 'ready', resent = true, changed_at = clock_timestamp()
where id = $1 and state = 'unknown' and not resent
"""


def _send(record: asyncpg.Record) -> Send:
    return Send(*record)


async def for_event(pool: Pool, event: Event, kind: str = "answer") -> list[Send]:
    """The sends prepared for this event, in order."""
    return [_send(record) for record in await pool.fetch(_OF_EVENT, event.id, kind)]


async def get(pool: Pool, send_id: UUID) -> Send:
    """The send as it is now. Raises LeaseLost when it was deleted together with its account."""
    record = await pool.fetchrow(_ONE, send_id)
    if record is None:
        raise LeaseLost
    return _send(record)


async def prepare(
    pool: Pool,
    event: Event,
    user_id: UUID,
    avatar: UUID | None,
    bodies: Sequence[str],
    lease_seconds: float,
) -> list[Send]:
    """Note that the turn is logged and store what will be sent, in one statement, before any call."""
    ids = [uuid7() for _ in bodies]
    lane = event.contact.id, event.token, timedelta(seconds=lease_seconds)
    if not await pool.fetchval(_PREPARE, *lane, event.id, user_id, avatar, ids, list(bodies)):
        raise LeaseLost
    if event.send_count:
        return await for_event(pool, event)
    return [
        Send(send_id, body, "ready", 0, False, None, None, event.received_at, None, 0)
        for send_id, body in zip(ids, bodies, strict=True)
    ]


async def prepare_notice(pool: Pool, event: Event, body: str, *, daily: bool) -> list[Send]:
    """This event's notice; a daily one only when no other event has sent today's already."""
    await pool.execute(_NOTICE, uuid7(), event.id, event.contact.id, body, daily)
    return await for_event(pool, event, "notice")


async def begin(pool: Pool, event: Event, send_id: UUID, settings: Settings) -> asyncpg.Record:
    """The last check before a call: `verdict`, `pause` (seconds to wait), and which `attempt` this is."""
    record = await pool.fetchrow(
        _BEGIN,
        event.contact.id,
        event.token,
        send_id,
        settings.phone_number_id,
        timedelta(seconds=settings.lease_seconds),
        timedelta(seconds=settings.pair_gap_seconds),
        settings.pair_burst,
        timedelta(seconds=settings.probe_seconds),
    )
    assert record is not None  # noqa: S101 - the function always answers
    return record


async def mark_accepted(pool: Pool, send_id: UUID, wamid: str, alias: str | None, number: str) -> bool:
    """Note the wamid, regardless of who holds the lease; True when this closed the number's circuit."""
    return bool(await pool.fetchval(_ACCEPTED, send_id, wamid, alias, number))


async def mark_not_sent(
    pool: Pool, send_id: UUID, attempt: int, code: int | None, error: str, *, final: bool, counts: bool
) -> None:
    """Back to `ready`, or `failed` when final; wakes an event that was waiting for the outcome."""
    await pool.execute(_NOT_SENT, send_id, attempt, "failed" if final else "ready", counts, code, error)


async def mark_unknown(pool: Pool, send_id: UUID, attempt: int, why: str) -> None:
    """This attempt may or may not have been accepted; only a status can tell."""
    await pool.execute(_UNKNOWN, send_id, attempt, why)


async def allow_resend(pool: Pool, send_id: UUID) -> None:
    """Let an unknown send be repeated once, as the policy `resend_once` says."""
    await pool.execute(_RESEND, send_id)
