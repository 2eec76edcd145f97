"""Who had an id before it changed, and what a person is called after a move; notices come in any order.

Decision 0094. See docs/contracts/whatsapp-cloud-api.md#identities.
"""

from collections.abc import Sequence

from ava_common.database import Connection
from ava_whatsapp_gateway.cloud_api.updates import Identity, Move
from ava_whatsapp_gateway.contacts.rows import COLUMNS, ContactRow

_ONCE_NAMED = f"""
select distinct on (m.from_bsuid) m.from_bsuid, {COLUMNS.replace("id,", "c.id,", 1)}
from whatsapp.moves as m join whatsapp.contacts as c on c.id = m.contact_id
where m.from_bsuid = any ($1) and m.reason = 'changed' and c.bsuid is distinct from m.from_bsuid
order by m.from_bsuid, m.id desc
"""


async def find_moved(
    connection: Connection, bsuids: Sequence[str], known: list[ContactRow]
) -> dict[str, ContactRow]:
    """The contacts that had these ids until Meta changed them, by that id; `known` grows by them."""
    found, by_id = {}, {row.id: row for row in known}
    for row in await connection.fetch(_ONCE_NAMED, bsuids) if bsuids else []:
        bsuid, *columns = row
        contact = by_id.setdefault(row["id"], ContactRow(*columns))
        found[bsuid] = contact
    known[:] = by_id.values()
    return found


def is_told(move: Move, others: Sequence[ContactRow], later: ContactRow | None) -> bool:
    """Whether the notice names these by their id: a number may have been another person's until then."""
    return all(one is later or (one.bsuid and one.bsuid == move.after.bsuid) for one in others)


def newest(known: ContactRow, move: Move, others: list[ContactRow], later: ContactRow | None) -> Identity:
    """What the person is called now: after a further move, as the notice says, or as they wrote since."""
    if later in others:
        return Identity(later.wa_digits, later.bsuid)
    used = next((one.wa_digits for one in others if one.wa_digits), None)
    digits = move.after.digits or used or known.wa_digits
    bsuid = move.after.bsuid or next((one.bsuid for one in others if one.bsuid), None)
    # A new number means a new id; one we were not told is learnt from the next message.
    changed = bool(move.after.digits) and digits != known.wa_digits
    return Identity(digits, bsuid or (None if changed else known.bsuid), move.after.parent_bsuid)
