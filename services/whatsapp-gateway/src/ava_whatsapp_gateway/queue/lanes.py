"""The lanes of the queue: one per contact, one worker at a time on each, its events in Meta's order.

Decisions 0050, 0106, 0122, 0141, 0159, 0161, 0169 and 0181. See docs/contracts/postgres.md#locks.
"""

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ava_common.database import Pool
from ava_whatsapp_gateway.queue.exceptions import LaneChanged, LeaseLost, Release
from ava_whatsapp_gateway.queue.group_commit import Call, GroupCommit
from ava_whatsapp_gateway.queue.states import EventState

EVENTS_PER_CLAIM = 10
"""Events taken from a lane at once."""
_SHARED = "away:"
"""What `waits_for` begins with where many lanes wait for the same thing to be back."""


@dataclass(frozen=True, slots=True)
class Contact:
    """An identity on WhatsApp; `user_id` once its owner is known."""

    id: int
    wa_digits: str | None
    bsuid: str | None
    alias_digits: str | None
    user_id: UUID | None
    link_version: int
    recycled: bool
    relinked_by: UUID | None


@dataclass(frozen=True, slots=True)
class Event:
    """A turn at the head of its lane; `token` fences the lease it was claimed under."""

    id: int
    token: UUID
    contact: Contact
    key: str
    kind: str
    words: str
    turn_id: UUID
    sent_at: datetime
    received_at: datetime
    released_at: datetime | None
    trace: str
    user_id: UUID | None
    avatar_id: UUID | None
    logged_at: datetime | None
    attempts: int
    reason: str | None
    send_count: int
    corrects: str | None
    edited_at: datetime | None
    code_tried: bool
    claimed_at: datetime
    ends: "Lane | None" = field(default=None, repr=False)
    """The lane that is given back with this event, because nothing was claimed behind it."""

    def is_stale(self, after_seconds: float) -> bool:
        """Too old for an answer: after an outage Meta delivers what was sent in up to seven days."""
        return (datetime.now(UTC) - self.sent_at).total_seconds() > after_seconds


@dataclass(slots=True, eq=False)
class Lane:
    """A contact's lane under our lease; `tries` counts how often in a row it had to wait."""

    contact: int
    token: UUID
    tries: int
    events: list[Event]
    given_back: bool = False
    is_empty: bool = False
    """Nothing was ready when it was given back."""


# A claim that is lost in a crash of the database is another worker's then, as if its lease had expired.
_CLAIM = """
select claimed.* from set_config('synchronous_commit', 'off', true),
  whatsapp.claim_4(p_limit => $1, p_lease => $2, p_events => $3) as claimed
"""
_FINISH = Call(
    """whatsapp.finish_3(p_contact_id => contact_id, p_fence => fence, p_event_id => event_id,
      p_lease => lease, p_state => state, p_reason => reason, p_link_version => link_version,
      p_is_last => is_last)""",
    "contact_id bigint, fence uuid, event_id bigint, lease interval,"
    " state text, reason text, link_version bigint, is_last boolean",
)
# The log's commit, in the same database, carries it; without a commit of the log nothing was lost.
_NOTE_OWNER = Call(
    """whatsapp.note_owner_2(p_contact_id => contact_id, p_fence => fence, p_event_id => event_id,
      p_lease => lease, p_user_id => user_id)""",
    "contact_id bigint, fence uuid, event_id bigint, lease interval, user_id uuid",
    carried=True,
)
_RELEASE = """
select whatsapp.release(p_contact_id => $1, p_fence => $2, p_wait => $3, p_waits_for => $4)
"""
_WAKE_WAITING = "select whatsapp.wake_waiting(p_waits_for => $1)"
_PROBE_WAITING = "select whatsapp.probe_waiting(p_shared => $1)"
_PUT_BACK = f"""
update whatsapp.events set attempts = attempts + $3, reason = $4, changed_at = clock_timestamp()
where id = $1 and state = '{EventState.READY}'
  and exists (select from whatsapp.lanes where contact_id = $5 and token = $2)
"""

_CONTACT = ("wa_digits", "bsuid", "alias_digits", "link_version", "recycled", "relinked_by")
_EVENT = tuple(one.name for one in fields(Event) if one.name not in ("contact", "ends"))


async def claim(pool: Pool, most: int, lease_seconds: float, events: int = EVENTS_PER_CLAIM) -> list[Lane]:
    """Up to `most` due lanes with the first `events` of each; a lane whose lease expired is due again."""
    claimed: dict[int, Lane] = {}
    for row in await pool.fetch(_CLAIM, most, timedelta(seconds=lease_seconds), events):
        lane = Lane(row["contact_id"], row["token"], row["tries"], [])
        lane = claimed.setdefault(lane.contact, lane)
        if row["id"] is not None:
            contact = Contact(lane.contact, user_id=row["whose"], **{name: row[name] for name in _CONTACT})
            lane.events.append(Event(contact=contact, **{name: row[name] for name in _EVENT}))
    for lane in claimed.values():
        lane.events[-1:] = [replace(event, ends=lane) for event in lane.events[-1:]]
    return list(claimed.values())


async def note_owner(writes: GroupCommit, event: Event, user_id: UUID, lease_seconds: float) -> None:
    """Note whose the event is before their log may have it. Raises as `finish`."""
    lane = event.contact.id, event.token, event.id, timedelta(seconds=lease_seconds)
    noted = await writes.ask(_NOTE_OWNER, *lane, user_id)
    if noted == "lost":
        raise LeaseLost
    if noted != "noted":
        raise LaneChanged


async def finish(
    writes: GroupCommit, event: Event, state: EventState, reason: str | None, lease_seconds: float
) -> None:
    """Leave the event in a new state, and with the last one give the lane back.

    Raises LeaseLost when another process has the lane, LaneChanged when the rest of the lane must be claimed
    again: a link or a send changed meanwhile.
    """
    lane = event.contact.id, event.token, event.id, timedelta(seconds=lease_seconds)
    ends, link_version = event.ends, event.contact.link_version
    became = await writes.ask(_FINISH, *lane, state, reason, link_version, ends is not None)
    if became == "lost":
        raise LeaseLost
    if ends and became in ("due", "empty"):
        ends.given_back, ends.is_empty = True, became == "empty"
    elif became != "done":
        raise LaneChanged


async def put_back(pool: Pool, event: Event, reason: str, attempts: int) -> None:
    """Note why the event has to wait; `attempts` is 1 when the event itself is the cause, else 0."""
    await pool.execute(_PUT_BACK, event.id, event.token, attempts, reason, event.contact.id)


async def give_back(pool: Pool, lane: Lane, how: Release) -> None:
    """Give the lane back; it is due again after the release's seconds if an event in it is ready."""
    waits_for = f"{_SHARED}{how.reason}" if how.shared else how.reason
    await pool.fetchval(_RELEASE, lane.contact, lane.token, timedelta(seconds=how.seconds), waits_for)


async def wake_waiting(pool: Pool, reason: str) -> None:
    """What all lanes with this shared reason waited for is back: they are due."""
    await pool.fetchval(_WAKE_WAITING, f"{_SHARED}{reason}")


async def probe_waiting(pool: Pool) -> int:
    """One lane for each shared reason is due, to find out whether that is over; their number."""
    return int(await pool.fetchval(_PROBE_WAITING, _SHARED))
