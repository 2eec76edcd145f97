"""The outbox's rows: one before every call; outcomes are final, a later attempt never overwrites one.

Decisions 0051, 0105 and 0152.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from ava_common.database import Pool
from ava_common.uuid7 import uuid7
from ava_whatsapp_gateway.queue.exceptions import LeaseLost
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import SendState


@dataclass(frozen=True, slots=True)
class Whose:
    """The user and the avatar of the turn that is answered."""

    user_id: UUID
    avatar_id: UUID | None


@dataclass(frozen=True, slots=True)
class Send:
    """One outgoing message and what became of it so far."""

    id: UUID
    body: str
    state: SendState
    attempts: int
    resent: bool
    wamid: str | None
    accepted_at: datetime | None
    changed_at: datetime
    code: int | None
    failures: int
    drafted_for: Whose | None = None
    """Only while it is not stored yet."""


_FIELDS = tuple(field.name for field in fields(Send) if field.name != "drafted_for")
_COLUMNS = ", ".join(_FIELDS)
_OF_EVENT = f"select {_COLUMNS} from whatsapp.outbox where event_id = $1 and kind = $2 order by part"
_ONE = f"select {_COLUMNS} from whatsapp.outbox where id = $1"
_PREPARE = f"""
with lane as (select whatsapp.hold(p_contact_id => $1, p_fence => $2, p_lease => $3) as held),
noted as (
  update whatsapp.events set user_id = $5, avatar_id = $6, logged_at = coalesce(logged_at, clock_timestamp()),
    claimed_at = coalesce(claimed_at, $9)
  where id = $4 and (select held from lane)
), put as (
  insert into whatsapp.outbox (id, event_id, contact_id, part, body)
  select send.id, $4, $1, send.part - 1, send.body
  from unnest($7::uuid[], $8::text[]) with ordinality as send (id, body, part)
  where (select held from lane)
  on conflict do nothing
  returning {_COLUMNS}, part
)
select held, {_COLUMNS} from lane left join put on true order by part
"""
_NOTICE = """
insert into whatsapp.outbox (id, event_id, contact_id, kind, body, notice_day)
select $1, $2, contact_id, 'notice', $4, case when $5 then (clock_timestamp() at time zone 'utc')::date end
from whatsapp.lanes where contact_id = $3 and token = $6 for update
on conflict do nothing
"""
# A call that was refused or never reached Meta is as good as none; one that was repeated may have arrived.
_WITHDRAW = f"""
delete from whatsapp.outbox where event_id = $1 and state = '{SendState.READY}' and not resent
  and exists (select from whatsapp.lanes where contact_id = $2 and token = $3)
"""
_NOT_SENT = """
select whatsapp.not_sent_2(
  p_send_id => $1, p_attempt => $2, p_state => $3, p_counts => $4, p_code => $5, p_error => $6)
"""
_NOT_CALLED = """
select whatsapp.not_called(p_contact_id => $1, p_fence => $2, p_send_id => $3, p_attempt => $4)
"""
_UNKNOWN = f"""
update whatsapp.outbox set state = '{SendState.UNKNOWN}', error = $3, changed_at = clock_timestamp()
where id = $1 and attempts = $2 and state = '{SendState.SENDING}'
"""
_RESEND = f"""
update whatsapp.outbox set state = '{SendState.READY}', resent = true, changed_at = clock_timestamp()
where id = $1 and state = '{SendState.UNKNOWN}' and not resent
"""


def draft(body: str, whose: Whose) -> Send:
    """An answer of one part, which is stored when its call begins."""
    now = datetime.now(UTC)
    return Send(uuid7(), body, SendState.READY, 0, False, None, None, now, None, 0, drafted_for=whose)


async def for_event(pool: Pool, event: Event, kind: str = "answer") -> list[Send]:
    """The sends prepared for this event, in order."""
    return _sends(await pool.fetch(_OF_EVENT, event.id, kind))


async def decided(pool: Pool, event: Event) -> list[Send]:
    """The answer as it was decided, without what Meta does not have where the message was deleted since."""
    if not event.words:
        await pool.execute(_WITHDRAW, event.id, event.contact.id, event.token)
    return await for_event(pool, event)


async def get(pool: Pool, send_id: UUID) -> Send:
    """The send as it is now. Raises LeaseLost when it was deleted together with its account."""
    if sends := _sends(await pool.fetch(_ONE, send_id)):
        return sends[0]
    raise LeaseLost


async def prepare(
    pool: Pool,
    event: Event,
    whose: Whose,
    bodies: Sequence[str],
    lease_seconds: float,
) -> list[Send]:
    """Note that the turn is logged and store what will be sent, in one statement, before any call."""
    ids = [uuid7() for _ in bodies]
    lane, whose_turn = (event.contact.id, event.token, timedelta(seconds=lease_seconds)), astuple(whose)
    rows = await pool.fetch(_PREPARE, *lane, event.id, *whose_turn, ids, list(bodies), event.claimed_at)
    if not rows[0]["held"]:
        raise LeaseLost
    return _sends(row for row in rows if row["id"])


async def prepare_notice(pool: Pool, event: Event, body: str, *, daily: bool) -> list[Send]:
    """This event's notice; a daily one only when no other event has sent today's already."""
    await pool.execute(_NOTICE, uuid7(), event.id, event.contact.id, body, daily, event.token)
    return await for_event(pool, event, "notice")


async def mark_not_sent(
    pool: Pool, send_id: UUID, attempt: int, code: int | None, error: str, *, final: bool, counts: bool
) -> None:
    """Back to `ready`, or `failed` when final; wakes an event that was waiting for the outcome."""
    outcome = SendState.FAILED if final else SendState.READY
    await pool.execute(_NOT_SENT, send_id, attempt, outcome, counts, code, error)


async def mark_not_called(pool: Pool, event: Event, send_id: UUID, attempt: int) -> None:
    """This attempt was never called, if it was begun at all: the send is ready again."""
    await pool.execute(_NOT_CALLED, event.contact.id, event.token, send_id, attempt)


async def mark_unknown(pool: Pool, send_id: UUID, attempt: int, why: str) -> None:
    """This attempt may or may not have been accepted; only a status can tell."""
    await pool.execute(_UNKNOWN, send_id, attempt, why)


async def allow_resend(pool: Pool, send_id: UUID) -> None:
    """Let an unknown send be repeated once, as the policy `resend_once` says."""
    await pool.execute(_RESEND, send_id)


def _sends(rows: Iterable[asyncpg.Record]) -> list[Send]:
    return [
        Send(**{name: row[name] for name in _FIELDS} | {"state": SendState(row["state"])}) for row in rows
    ]
