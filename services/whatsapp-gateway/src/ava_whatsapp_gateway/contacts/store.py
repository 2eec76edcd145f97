"""Find or create the contact of a sender, and follow numbers that change; the cases are in ContactStore.

Decisions 0052 and 0094. See docs/contracts/whatsapp-cloud-api.md#identities.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ava_common.database import Connection
from ava_common.log import log
from ava_whatsapp_gateway.cloud_api.updates import Identity, Move
from ava_whatsapp_gateway.contacts import moves as contact_moves
from ava_whatsapp_gateway.contacts import rows
from ava_whatsapp_gateway.contacts.rows import ContactRow

_KNOWN = f"select {rows.COLUMNS} from whatsapp.contacts where wa_digits = any ($1) or bsuid = any ($2)"
_FORMER = """
select distinct m.from_digits from whatsapp.moves as m
join whatsapp.contacts as c on c.id = m.contact_id
where m.from_digits = any ($1) and c.user_id is not null and not m.relinked
"""
_NEW = """insert into whatsapp.contacts (wa_digits, bsuid, parent_bsuid, username, recycled)
values ($1, $2, $3, $4, $5) returning id"""
_BETWEEN_LINKS = "select whatsapp.between_links(p_numbers => $1)"


class ContactStore:
    """The contacts that one transaction needs, loaded at once and changed one by one, which is rare.

    A sender comes with digits, with an id (business-scoped), or with both (`contact_of`):

    | contact with the id | contact with the digits | then |
    |---|---|---|
    | none, but one had it before it moved | any | that contact as it is: the message is older than the move |
    | none | none | a new contact; recycled when a linked user had left the digits |
    | none | has another id | the number changed hands: a new contact, recycled if the old one is linked |
    | none | has no id, or none was sent | that contact, which learns the id |
    | this one | none | that contact, which learns the digits; others than before are a new number |
    | this one | the same | that contact |
    | this one | another, without id, not of another user | the same person: both are united |
    | this one | another, with its own id or user | its digits come over; recycled if only it has a user |

    Meta says that a number or an id changed (`follow`), before or after the new one was used:

    | contact before | contact that has the new number or id, or had it before it moved on | then |
    |---|---|---|
    | none | any | remembered, in case that its earlier move is yet to come |
    | this one | another user's | refused |
    | this one | another, not linked or of the same user | united, with what is newer |
    | this one | one whose id is another than the notice tells | its digits come over |
    | this one | none | changed; with a new number an id that was not told is forgotten |
    """

    def __init__(
        self, connection: Connection, known: list[ContactRow], moved: dict[str, ContactRow], former: set[str]
    ) -> None:
        self._connection, self._known, self._moved, self._former = connection, known, moved, former
        self.united: dict[int, int] = {}
        """Contacts whose id was handed out and that have become part of another since, and which."""
        self._index()

    @classmethod
    async def load(
        cls, connection: Connection, senders: Iterable[Identity], moves: Sequence[Move]
    ) -> "ContactStore":
        """The contacts that these senders may be, and those that these moves are about."""
        senders = [*senders, *(side for move in moves for side in (move.before, move.after))]
        digits = list({sender.digits for sender in senders if sender.digits})
        bsuids = {sender.bsuid for sender in senders if sender.bsuid}
        known = [ContactRow(*row) for row in await connection.fetch(_KNOWN, digits, list(bsuids))]
        unknown = bsuids - {row.bsuid for row in known}
        if fresh := [*({*digits} - {row.wa_digits for row in known}), *unknown]:
            await connection.execute(_BETWEEN_LINKS, fresh)
        moved = await contact_moves.find_moved(connection, list(unknown), known) if unknown else {}
        new = {(one.digits, one.bsuid) for one in senders} - {(row.wa_digits, row.bsuid) for row in known}
        former = await connection.fetch(_FORMER, digits) if new or moves else []
        return cls(connection, known, moved, {row["from_digits"] for row in former})

    def _index(self) -> None:
        self._by_digits = {known.wa_digits: known for known in self._known if known.wa_digits}
        self._by_bsuid = {known.bsuid: known for known in self._known if known.bsuid}

    async def contact_of(self, sender: Identity) -> int:
        """The id of the sender's contact, created or completed where something about them is new."""
        pinned = self._by_bsuid.get(sender.bsuid or "")
        holder = self._by_digits.get(sender.digits or "")
        if pinned is None:
            if moved := self._moved.get(sender.bsuid or ""):
                return moved.id
            if holder is None:
                return (await self._create(sender, recycled=sender.digits in self._former)).id
            if holder.bsuid and sender.bsuid:
                return await self._recycle(holder, sender)
            return await self._complete(holder, sender)
        if holder is None or holder is pinned:
            return await self._complete(pinned, sender)
        await rows.lock(self._connection, pinned, holder)
        await rows.note_shown(self._connection, sender.digits, pinned)
        if holder.bsuid is None and len({pinned.user_id, holder.user_id} - {None}) < 2:
            await self._unite(pinned, holder)
        else:
            await self._take_digits(holder, sender)
        return await self._complete(pinned, sender, recycled=pinned.user_id is None and bool(holder.user_id))

    async def follow(self, move: Move) -> str:
        """Follow a person to their new number or id; returns the reason when that is not possible."""
        known = self._before(move)
        holder = self._by_digits.get(move.after.digits or "")
        is_former = holder and move.after.bsuid and holder.bsuid not in (None, move.after.bsuid)
        later = self._moved.get(move.after.bsuid or "")
        found = (self._by_bsuid.get(move.after.bsuid or ""), None if is_former else holder, later)
        others = list(dict.fromkeys(one for one in found if one and one is not known))
        if known is None:
            await self._remember(move, others)
            return "unknown contact"
        await rows.lock(self._connection, known, *others)
        if len({row.user_id for row in (known, *others)} - {None}) > 1:
            log.warning("contact.move_refused", contact=known.id, others=[other.id for other in others])
            return "the new number is another user's"
        after = contact_moves.newest(known, move, others, later)
        is_told = contact_moves.is_told(move, others, later)
        await rows.note_shown(self._connection, after.digits, known, *others, is_told=is_told)
        await rows.record_move(self._connection, self._former, known, "changed", after)
        for other in others:
            await self._unite(known, other)
        if holder and is_former and holder is not known:
            await rows.lock(self._connection, holder)
            await self._take_digits(holder, after)
        if known.bsuid and known.bsuid != after.bsuid:
            self._moved[known.bsuid] = known
        await self._save(known, after, recycled=self._is_recycled(known, after.digits))
        return ""

    def _before(self, move: Move) -> ContactRow | None:
        """Who moved. A number that has another id by now is another person's."""
        bsuid = move.before.bsuid
        if known := self._by_bsuid.get(bsuid or ""):
            return known
        holder = self._by_digits.get(move.before.digits or "")
        return holder if holder and (bsuid is None or holder.bsuid in (None, bsuid)) else None

    async def _remember(self, move: Move, others: list[ContactRow]) -> None:
        """The notice of an earlier move may be yet to come: it asks for who had the id that this one left."""
        if move.before.bsuid and move.after.bsuid:
            contact = others[0] if others else await self._create_moved(move.after)
            before = replace(contact, wa_digits=move.before.digits, bsuid=move.before.bsuid)
            await rows.record_move(self._connection, self._former, before, "changed", move.after)
            self._moved[move.before.bsuid] = contact

    async def _create_moved(self, after: Identity) -> ContactRow:
        digits = None if after.digits in self._by_digits else after.digits
        return await self._create(replace(after, digits=digits), recycled=digits in self._former)

    def _is_recycled(self, known: ContactRow, digits: str | None) -> bool:
        return known.user_id is None and digits != known.wa_digits and digits in self._former

    async def _create(self, sender: Identity, *, recycled: bool) -> ContactRow:
        names = sender.digits, sender.bsuid, sender.parent_bsuid, sender.username
        created = ContactRow(await self._connection.fetchval(_NEW, *names, recycled), *names, None)
        self._known.append(created)
        self._index()
        return created

    async def _complete(self, known: ContactRow, sender: Identity, *, recycled: bool = False) -> int:
        digits, bsuid = sender.digits or known.wa_digits, sender.bsuid or known.bsuid
        username = sender.username or known.username
        if (digits, bsuid, username) == (known.wa_digits, known.bsuid, known.username):
            return known.id
        await rows.lock(self._connection, known)
        await rows.note_shown(self._connection, digits, known)
        if known.wa_digits and digits != known.wa_digits:
            await rows.record_move(self._connection, self._former, known, "new number", sender)
        recycled = recycled or self._is_recycled(known, digits)
        await self._save(known, replace(sender, digits=digits, bsuid=bsuid), recycled=recycled)
        return known.id

    async def _recycle(self, holder: ContactRow, sender: Identity) -> int:
        """The same digits with another id: a recycled number, probably another person's."""
        log.warning("contact.recycled", contact=holder.id)
        await rows.lock(self._connection, holder)
        await self._take_digits(holder, sender)
        return (await self._create(sender, recycled=holder.user_id is not None)).id

    async def _take_digits(self, holder: ContactRow, sender: Identity) -> None:
        await rows.record_move(self._connection, self._former, holder, "recycled", sender)
        await self._save(holder, Identity(None, holder.bsuid))

    async def _unite(self, kept: ContactRow, other: ContactRow) -> None:
        await rows.unite(self._connection, self._former, kept, other)
        self._known.remove(other)
        self.united = {gone: kept.id if into == other.id else into for gone, into in self.united.items()}
        self.united[other.id] = kept.id
        self._moved = {bsuid: kept if row is other else row for bsuid, row in self._moved.items()}

    async def _save(self, known: ContactRow, names: Identity, *, recycled: bool = False) -> None:
        known.wa_digits, known.bsuid = names.digits, names.bsuid
        known.parent_bsuid = names.parent_bsuid or known.parent_bsuid
        known.username = names.username or known.username
        await rows.save(self._connection, known, recycled=recycled)
        self._index()
