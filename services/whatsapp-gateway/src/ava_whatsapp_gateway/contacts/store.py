"""Find or create the contact of a sender, and follow numbers that change; the cases are in ContactStore.

Decision 0052. See docs/contracts/whatsapp-cloud-api.md#identities.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from ava_common.database import Connection
from ava_common.log import log
from ava_whatsapp_gateway.cloud_api.updates import Identity, Move
from ava_whatsapp_gateway.queue.states import EventState

_KNOWN = """
select id, wa_digits, bsuid, parent_bsuid, username, user_id from whatsapp.contacts
where wa_digits = any ($1) or bsuid = any ($2)
"""
_FORMER = """
select distinct m.from_digits from whatsapp.moves as m
join whatsapp.contacts as c on c.id = m.contact_id
where m.from_digits = any ($1) and c.user_id is not null
"""
_NEW = """
insert into whatsapp.contacts (wa_digits, bsuid, parent_bsuid, username, recycled)
values ($1, $2, $3, $4, $5) returning id
"""
_SAVE = """
update whatsapp.contacts set wa_digits = $2, bsuid = $3, parent_bsuid = coalesce($4, parent_bsuid),
  username = coalesce($5, username), user_id = $6, recycled = recycled or $7,
  relinked_by = case when $7 then null else relinked_by end, link_version = link_version + 1
where id = $1
"""
_RECORD_MOVE = """
insert into whatsapp.moves (contact_id, reason, from_digits, from_bsuid, to_digits, to_bsuid)
values ($1, $2, $3, $4, $5, $6)
"""
_BETWEEN_LINKS = "select whatsapp.between_links(p_numbers => $1)"
_WAKE = "select whatsapp.wake(p_contact_ids => $1, p_at_once => false)"
_ADOPT = f"update whatsapp.events set contact_id = $1 where contact_id = $2 and state = '{EventState.HELD}'"


@dataclass(slots=True, eq=False)
class ContactRow:
    """A contact as it is in this transaction."""

    id: int
    wa_digits: str | None
    bsuid: str | None
    parent_bsuid: str | None
    username: str | None
    user_id: UUID | None


class ContactStore:
    """The contacts that one transaction needs, loaded at once and changed one by one, which is rare.

    A sender comes with digits, with an id (business-scoped), or with both (`contact_of`):

    | contact with the id | contact with the digits | then |
    |---|---|---|
    | none | none | a new contact; recycled when the digits were once a linked user's |
    | none | has another id | the number changed hands: a new contact, recycled if the old one is linked |
    | none | has no id, or none was sent | that contact, which learns the id |
    | this one | none | that contact, which learns the digits; others than before are a new number |
    | this one | the same | that contact |
    | this one | another, without id | the same person: its digits, held events and user come over |
    | this one | another, with its own id | the digits come over; recycled if only the other has a user |

    Meta says that a number or an id changed (`follow`):

    | contact before | contact that has the new number or id | then |
    |---|---|---|
    | none | any | nothing: unknown contact |
    | this one | another user's | refused |
    | this one | another, not linked or of the same user | merged as above, then changed |
    | this one | none | changed; with a new number an id that was not told is forgotten |
    """

    def __init__(self, connection: Connection, known: list[ContactRow], former: set[str]) -> None:
        self._connection, self._known, self._former = connection, known, former
        self._index()

    @classmethod
    async def load(cls, connection: Connection, senders: Iterable[Identity]) -> "ContactStore":
        """The contacts that these senders may be."""
        senders = list(senders)
        digits = list({sender.digits for sender in senders if sender.digits})
        bsuids = list({sender.bsuid for sender in senders if sender.bsuid})
        rows = await connection.fetch(_KNOWN, digits, bsuids)
        if fresh := sorted({*digits} - {row["wa_digits"] for row in rows}):
            await connection.execute(_BETWEEN_LINKS, fresh)
        former = await connection.fetch(_FORMER, digits)
        known = [ContactRow(**dict(row)) for row in rows]
        return cls(connection, known, {row["from_digits"] for row in former})

    def _index(self) -> None:
        self._by_digits = {known.wa_digits: known for known in self._known if known.wa_digits}
        self._by_bsuid = {known.bsuid: known for known in self._known if known.bsuid}

    async def contact_of(self, sender: Identity) -> int:
        """The id of the sender's contact, created or completed where something about them is new."""
        pinned = self._by_bsuid.get(sender.bsuid or "")
        holder = self._by_digits.get(sender.digits or "")
        if pinned is None:
            if holder is None:
                return await self._create(sender, recycled=sender.digits in self._former)
            if holder.bsuid and sender.bsuid:
                return await self._recycle(holder, sender)
            return await self._complete(holder, sender)
        if holder is not None and holder is not pinned:
            await self._merge(pinned, holder)
        return await self._complete(pinned, sender)

    async def follow(self, move: Move) -> str:
        """Follow a person to their new number or id; returns the reason when that is not possible."""
        known = self._by_bsuid.get(move.before.bsuid or "") or self._by_digits.get(move.before.digits or "")
        if known is None:
            return "unknown contact"
        for other in (
            self._by_bsuid.get(move.after.bsuid or ""),
            self._by_digits.get(move.after.digits or ""),
        ):
            if other is None or other is known:
                continue
            if other.user_id and other.user_id != known.user_id:
                log.warning("contact.move_refused", contact=known.id, other=other.id)
                return "the new number is another user's"
            await self._merge(known, other)
        changed = bool(move.after.digits) and move.after.digits != known.wa_digits
        after = Identity(
            move.after.digits or known.wa_digits,
            # A new number means a new id; one we were not told is learnt from the next message.
            move.after.bsuid or (None if changed else known.bsuid),
            move.after.parent_bsuid,
        )
        await self._record_move(known, "changed", after)
        await self._save(known, after.digits, after.bsuid, after, known.user_id)
        return ""

    async def _create(self, sender: Identity, *, recycled: bool) -> int:
        row = (sender.digits, sender.bsuid, sender.parent_bsuid, sender.username)
        created = ContactRow(await self._connection.fetchval(_NEW, *row, recycled), *row, None)
        self._known.append(created)
        self._index()
        return created.id

    async def _complete(self, known: ContactRow, sender: Identity) -> int:
        digits, bsuid = sender.digits or known.wa_digits, sender.bsuid or known.bsuid
        username = sender.username or known.username
        if (digits, bsuid, username) == (known.wa_digits, known.bsuid, known.username):
            return known.id
        if known.wa_digits and digits != known.wa_digits:
            await self._record_move(known, "new number", sender)
        await self._save(known, digits, bsuid, sender, known.user_id)
        return known.id

    async def _recycle(self, holder: ContactRow, sender: Identity) -> int:
        """The same digits with another id: a recycled number, probably another person's."""
        log.warning("contact.recycled", contact=holder.id)
        await self._record_move(holder, "recycled", sender)
        await self._save(holder, None, holder.bsuid, None, holder.user_id)
        return await self._create(sender, recycled=holder.user_id is not None)

    async def _merge(self, known: ContactRow, other: ContactRow) -> None:
        """Move the digits of `other` to `known`; a contact without an id of its own was the same person."""
        await self._record_move(other, "united", Identity(known.wa_digits, known.bsuid))
        same = other.bsuid is None or known.bsuid is None
        others = other.user_id
        await self._save(other, None, None if same else other.bsuid, None, None if same else others)
        if same:
            await self._connection.execute(_ADOPT, known.id, other.id)
            if known.user_id is None and others:
                await self._save(known, known.wa_digits, known.bsuid, None, others)
        elif others and known.user_id is None:
            await self._save(known, known.wa_digits, known.bsuid, None, None, recycled=True)

    async def _save(
        self,
        known: ContactRow,
        digits: str | None,
        bsuid: str | None,
        sender: Identity | None,
        user_id: UUID | None,
        *,
        recycled: bool = False,
    ) -> None:
        parent, username = (sender.parent_bsuid, sender.username) if sender else (None, None)
        # Lanes are locked before contacts, as everywhere, to avoid deadlocks.
        await self._connection.execute(_WAKE, [known.id])
        await self._connection.execute(_SAVE, known.id, digits, bsuid, parent, username, user_id, recycled)
        known.wa_digits, known.bsuid, known.user_id = digits, bsuid, user_id
        known.username = username or known.username
        self._index()

    async def _record_move(self, known: ContactRow, reason: str, after: Identity) -> None:
        await self._connection.execute(
            _RECORD_MOVE, known.id, reason, known.wa_digits, known.bsuid, after.digits, after.bsuid
        )
