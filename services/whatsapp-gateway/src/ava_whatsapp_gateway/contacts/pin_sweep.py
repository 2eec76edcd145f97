"""Find, repair and count pins that contradict the users' preferences, a batch at a time.

A pin stands when its user has linked the number that it follows from, a spelling of the contact's number,
a number that the contact had before, or the contact's id. Decisions 0011, 0093, 0097 and 0127.
"""

import asyncpg

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.contacts import rows
from ava_whatsapp_gateway.contacts.owners import BECOME, LOOK_UP, number_variants
from ava_whatsapp_gateway.metrics import REPAIRED_PINS
from ava_whatsapp_gateway.queue.states import EventState

_BATCH = 200
_PINNED = """
select c.id, c.user_id, c.wa_digits, c.bsuid, c.alias_digits, c.linked_digits, c.link_version,
  array(select m.from_digits from whatsapp.moves as m where m.contact_id = c.id and m.from_digits is not null)
    as former_digits,
  array(select m.from_bsuid from whatsapp.moves as m where m.contact_id = c.id and m.from_bsuid is not null)
    as former_bsuids
from whatsapp.contacts as c where c.user_id is not null and c.id > $1 order by c.id limit $2
"""
_WAKE = "select whatsapp.wake(p_contact_ids => $1, p_at_once => true)"
_UNPIN = """
update whatsapp.contacts set user_id = null, linked_digits = null, link_version = link_version + 1
where id = $1 and user_id = $2 and link_version = $3 returning true
"""
# What an earlier release left held although it knew whose it is.
_HELD = f"""
select distinct e.contact_id from whatsapp.events as e join whatsapp.contacts as c on c.id = e.contact_id
where e.state = '{EventState.HELD}' and c.user_id is not null limit {_BATCH}
"""
_RELEASE = f"""
update whatsapp.events set state = '{EventState.READY}', reason = null, changed_at = clock_timestamp()
where contact_id = any ($1) and state = '{EventState.HELD}'
"""


class PinSweep:
    """Goes round and round over all pins; each process has its own place."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._after = pool, 0

    async def check_next(self) -> int:
        """Check the next batch; the number of pins repaired."""
        pinned = await self._pool.fetch(_PINNED, self._after, _BATCH)
        self._after = pinned[-1]["id"] if len(pinned) == _BATCH else 0
        owners = await self._owners({name for contact in pinned for name in _candidates(contact)})
        wrong = [c for c in pinned if not any(owners.get(n) == c["user_id"] for n in _candidates(c))]
        repaired = [await self._unpin(contact) for contact in wrong if _candidates(contact)]
        await self._release_held()
        return sum(repaired)

    async def _owners(self, names: set[str]) -> dict[str, object]:
        """The linked ones among these numbers and ids, and whose they are."""
        # Read-only, so that the look-up locks no account: nothing is pinned here.
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(BECOME, "service_role")
            found = await connection.fetch(LOOK_UP, list(names), None)
        return {row["phone"].lstrip("+"): row["user_id"] for row in found}

    async def _unpin(self, contact: asyncpg.Record) -> bool:
        """Undo this pin, unless a link has changed since it was read."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_WAKE, [contact["id"]])
            seen = contact["id"], contact["user_id"], contact["link_version"]
            if unpinned := bool(await connection.fetchval(_UNPIN, *seen)):
                await rows.start_clock(connection, contact["id"])
            await connection.execute(_RELEASE, [contact["id"]])
        if unpinned:
            REPAIRED_PINS.inc()
            log.warning("contact.unpinned", contact=contact["id"])
        return unpinned

    async def _release_held(self) -> None:
        if held := [row["contact_id"] for row in await self._pool.fetch(_HELD)]:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_WAKE, held)
                await connection.execute(_RELEASE, held)


def _candidates(contact: asyncpg.Record) -> list[str]:
    digits = contact["wa_digits"], contact["alias_digits"], contact["linked_digits"]
    return [
        *number_variants(*digits, *contact["former_digits"]),
        *filter(None, [contact["bsuid"], *contact["former_bsuids"]]),
    ]
