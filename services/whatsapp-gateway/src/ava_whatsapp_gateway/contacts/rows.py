"""The rows of contacts, and what ingest does to them under their lanes' locks: save, release, unite.

Decisions 0052, 0094, 0103, 0127 and 0157. See docs/contracts/postgres.md#locks.
"""

from dataclasses import dataclass
from uuid import UUID

from ava_common.database import Connection
from ava_whatsapp_gateway.cloud_api.updates import Identity
from ava_whatsapp_gateway.queue.states import EventState, literals

COLUMNS = "id, wa_digits, bsuid, parent_bsuid, username, user_id, linked_digits, relinked_by"
_SAVE = """
update whatsapp.contacts set wa_digits = $2, bsuid = $3, parent_bsuid = coalesce($4, parent_bsuid),
  username = $5, user_id = $6, linked_digits = $7,
  alias_digits = case when wa_digits is not distinct from $2 then alias_digits end,
  recycled = $8 or (recycled and wa_digits is not distinct from $2),
  relinked_by = case when not $8 then $9::uuid end, link_version = link_version + 1
where id = $1
"""
_RECORD_MOVE = """
insert into whatsapp.moves (contact_id, reason, from_digits, from_bsuid, to_digits, to_bsuid)
values ($1, $2, $3, $4, $5, $6)
"""
_WAKE = "select whatsapp.wake(p_contact_ids => $1, p_at_once => true)"
# A gateway of 0.1.0 pins without a lane's lock, so the rows are locked too.
_LOCK = """
select id, user_id, linked_digits, relinked_by from whatsapp.contacts where id = any ($1)
order by id for update
"""
# Not because of a link: who said it is known, however long ago it was. What note_shown has marked stays so.
_RELEASE = f"""
update whatsapp.events set state = '{EventState.READY}', reason = null,
  released_at = case when released_at = now() then released_at end, changed_at = clock_timestamp()
where contact_id = $1 and state = '{EventState.HELD}'
"""
_START_CLOCK = f"""
update whatsapp.events set released_at = now()
where contact_id = any ($1) and state in ({literals(EventState.READY, EventState.HELD)}) and logged_at is null
"""
_HAND_OVER = (
    "with moved as (update whatsapp.events set contact_id = $1 where contact_id = $2 returning id)"
    " update whatsapp.outbox as o set contact_id = $1, notice_day = case when not exists ("
    " select from whatsapp.outbox as same where same.contact_id = $1 and same.notice_day = o.notice_day)"
    " then notice_day end from moved where o.event_id = moved.id",
    "update whatsapp.moves set contact_id = $1 where contact_id = $2",
    "update whatsapp.contacts as kept set user_id = coalesce(kept.user_id, other.user_id),"
    " linked_digits = case when kept.user_id is null then other.linked_digits else kept.linked_digits end,"
    # Kept apart from the owner: a link of the other's number that has not been looked up yet.
    " relinked_by = coalesce(other.relinked_by, kept.relinked_by)"
    " from whatsapp.contacts as other where kept.id = $1 and other.id = $2",
)
_DELETE = "delete from whatsapp.contacts where id = $1"


@dataclass(slots=True, eq=False)
class ContactRow:
    """A contact as it is in this transaction; `user_id` may be outdated until the row is locked."""

    id: int
    wa_digits: str | None
    bsuid: str | None
    parent_bsuid: str | None
    username: str | None
    user_id: UUID | None
    linked_digits: str | None = None
    relinked_by: UUID | None = None


async def lock(connection: Connection, *rows: ContactRow) -> None:
    """Lock their lanes, then the rows, and read again whose they are: a link may have changed meanwhile."""
    ids = [row.id for row in rows]
    await connection.execute(_WAKE, ids)
    locked = {found["id"]: found for found in await connection.fetch(_LOCK, ids)}
    for row in rows:
        _, row.user_id, row.linked_digits, row.relinked_by = locked[row.id]


async def save(connection: Connection, row: ContactRow, *, recycled: bool = False) -> None:
    """Save a locked row; what it holds is handled anew, because it may be known now whose it is."""
    names = row.wa_digits, row.bsuid, row.parent_bsuid, row.username
    link = row.user_id, row.linked_digits, recycled, row.relinked_by
    await connection.execute(_SAVE, row.id, *names, *link)
    await connection.execute(_RELEASE, row.id)


async def note_shown(
    connection: Connection, digits: str | None, *rows: ContactRow, is_told: bool = True
) -> None:
    """A hidden number is shown, or only a number tells who this is: recent words are given, as by a link."""
    shown = [row for row in rows if not is_told or (digits and row.wa_digits is None)]
    if unowned := [row.id for row in shown if row.user_id is None]:
        await start_clock(connection, *unowned)


async def start_clock(connection: Connection, *contacts: int) -> None:
    """Whose they are may change: what they have waiting is recent or not from now on, as after a link."""
    await connection.execute(_START_CLOCK, contacts)


async def record_move(
    connection: Connection, former: set[str], row: ContactRow, reason: str, after: Identity
) -> None:
    """Note what the row was called before, and what it is called now; `former`: numbers that users left."""
    if row.user_id and row.wa_digits:
        former.add(row.wa_digits)
    names = row.wa_digits, row.bsuid, after.digits, after.bsuid
    await connection.execute(_RECORD_MOVE, row.id, reason, *names)


async def unite(connection: Connection, former: set[str], kept: ContactRow, other: ContactRow) -> None:
    """One person: everything of `other` goes to `kept`, both locked, and `other` with its lane is deleted.

    A worker that has the deleted lane loses its lease and repeats what it was doing on the other lane.
    """
    await record_move(connection, former, other, "united", Identity(kept.wa_digits, kept.bsuid))
    for statement in _HAND_OVER:
        await connection.execute(statement, kept.id, other.id)
    await connection.execute(_DELETE, other.id)
    if kept.user_id is None:
        kept.user_id, kept.linked_digits = other.user_id, other.linked_digits
    kept.relinked_by = other.relinked_by or kept.relinked_by
    kept.username = kept.username or other.username
