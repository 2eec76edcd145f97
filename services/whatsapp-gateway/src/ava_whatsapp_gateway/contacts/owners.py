"""Find the owner of a message: the pinned one, else by exact number, else by its only known variant.

Decisions 0011 and 0052.
"""

import re
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from ava_common.database import Connection, Pool
from ava_common.log import log
from ava_whatsapp_gateway.contacts.number_variants import number_variants
from ava_whatsapp_gateway.metrics import ALERTS
from ava_whatsapp_gateway.queue.event import Contact, Event
from ava_whatsapp_gateway.queue.exceptions import Release, RetryLater

# The one look-up past row-level security: as service_role, in a transaction of its own.
_BECOME = "select set_config('role', $1, true)"
_LOOK_UP = """
select phone, user_id, confirmed from ava_private.users_for_phones(p_candidates => $1, p_code => $2)
"""
_PIN = """
update whatsapp.contacts set user_id = $2, recycled = false
where id = $1 and (link_version = $3 or $4) returning true
"""
_IS_A_CODE = "update whatsapp.events set kind = $2 where id = $1"
CODE = "code"
"""The kind of an event once its text has proven whose phone it came from."""
_CODE = re.compile(r"\D{0,20}(\d{8})\D{0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Owner:
    """`user_id` None: unknown, for the `reason`. `linked`: this very message proved whose phone it is."""

    user_id: UUID | None
    reason: str = ""
    linked: bool = False


async def find_owner(pool: Pool, event: Event, *, by_code: bool) -> Owner:
    """The owner of this event; a found one is pinned, so that the next event needs no look-up.

    A turn in a user's log stays theirs, and so does its answer, even when the link has changed.
    """
    contact = event.contact
    if event.logged_at and event.user_id:
        return Owner(event.user_id)
    if event.kind == CODE:
        return Owner(contact.user_id, linked=True)
    code = _code(event.words) if by_code and event.kind == "text" else None
    if contact.user_id and code is None:
        return Owner(contact.user_id)
    candidates = _candidates(contact)
    if not candidates:
        return Owner(contact.user_id, "hidden number, not linked")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_BECOME, "service_role")
        rows = await connection.fetch(_LOOK_UP, candidates, code)
        await connection.execute(_BECOME, "none")
        owner = _decide(contact, rows)
        if owner.user_id and owner.user_id != contact.user_id:
            await _pin(connection, contact, owner)
        if owner.linked:
            await connection.execute(_IS_A_CODE, event.id, CODE)
    return owner


def _candidates(contact: Contact) -> list[str]:
    own = [contact.wa_digits, contact.alias_digits]
    exact = [digits for digits in own if digits]
    return list(dict.fromkeys([*exact, *(other for digits in exact for other in number_variants(digits))]))


def _decide(contact: Contact, rows: list[asyncpg.Record]) -> Owner:
    proven = [row["user_id"] for row in rows if row["confirmed"]]
    if proven:
        return Owner(proven[0], linked=True)
    if contact.user_id:
        return Owner(contact.user_id)
    exact = {row["user_id"] for row in rows if row["phone"] == f"+{contact.wa_digits}"}
    people = exact or {row["user_id"] for row in rows}
    if len(people) > 1:
        ALERTS.labels("ambiguous_number").inc()
        log.warning("contact.ambiguous", contact=contact.id, people=len(people))
        return Owner(None, "matches several accounts")
    if not people:
        return Owner(None, "not linked")
    if contact.recycled and contact.relinked_by not in people:
        return Owner(None, "the number belonged to another account before")
    return Owner(people.pop())


async def _pin(connection: Connection, contact: Contact, owner: Owner) -> None:
    if not await connection.fetchval(_PIN, contact.id, owner.user_id, contact.link_version, owner.linked):
        raise RetryLater(Release(0.2, "the link changed meanwhile"))


def _code(words: str) -> str | None:
    found = _CODE.fullmatch(words.strip())
    return found[1] if found else None
