"""Find the owner of a message: the pinned one, else by exact number or id, else by its only known variant.

Decisions 0011, 0052, 0093, 0097, 0098, 0102 and 0122.
See docs/contracts/whatsapp-cloud-api.md#national-spellings.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import asyncpg

from ava_common.database import Pool
from ava_common.log import log
from ava_common.numbering_plans import CHANGES
from ava_whatsapp_gateway.metrics import ALERTS
from ava_whatsapp_gateway.queue.exceptions import LaneChanged, LeaseLost, Release, RetryLater
from ava_whatsapp_gateway.queue.lanes import Contact, Event

# The one look-up past row-level security: as service_role, in a transaction of its own.
BECOME = "select set_config('role', $1, true)"
LOOK_UP = """
select phone, user_id, confirmed from ava_private.users_for_phones(p_candidates => $1, p_code => $2)
"""
_PIN = """
select whatsapp.pin(
  p_contact_id => $1, p_fence => $2, p_user_id => $3, p_link_version => $4,
  p_linked_digits => substring($5 from '^[+]([0-9]+)$'))
"""
_COUNT_CODE = """
select whatsapp.count_code_attempt_2(p_contact_id => $1, p_event_id => $2, p_most => $3, p_window => $4)
"""
_CODES_WITHOUT_NUMBER_MAX, _CODES_WITHOUT_NUMBER_WINDOW = 5, timedelta(days=1)
_TRIED = "update whatsapp.events set kind = $2, code_tried = true where id = $1"
CODE = "code"
"""The kind of an event once its text has proven whose phone it came from."""
_CODE = re.compile(r"\D{0,20}(\d{8})\D{0,5}", re.ASCII)

_SPELLINGS: tuple[tuple[re.Pattern[str], str], ...] = (
    # WhatsApp keeps many an id as it was before the country's numbers changed.
    *((change.before, change.to_now) for change in CHANGES),
    *((change.now, change.to_before) for change in CHANGES),
    # Argentina: WhatsApp writes mobiles with a 9 after the country code; people often leave it out.
    (re.compile(r"549([1-8]\d{9})"), r"54\1"),
    (re.compile(r"54([1-8]\d{9})"), r"549\1"),
)


class HoldReason(StrEnum):
    """Why the owner of a message is unknown."""

    NOT_LINKED = "not linked"
    HIDDEN_NUMBER = "hidden number, not linked"
    SEVERAL_ACCOUNTS = "matches several accounts"
    RECYCLED = "the number belonged to another account before"


@dataclass(frozen=True, slots=True)
class Owner:
    """`user_id` None: unknown, for the `reason`. `linked`: this very message proved whose phone it is.

    `found_by`: the linked number with its plus sign, or the linked id.
    """

    user_id: UUID | None
    reason: HoldReason = HoldReason.NOT_LINKED
    linked: bool = False
    found_by: str | None = None


async def find_owner(pool: Pool, event: Event, *, by_code: bool) -> Owner:
    """The owner of this event; a found one is pinned, so that the next event needs no look-up.

    A turn that may be in a user's log stays theirs, and so do its answer and what corrects it, even when the
    link has changed.
    """
    contact = event.contact
    if event.user_id:
        return Owner(event.user_id)
    if event.kind == CODE:
        return Owner(contact.user_id, linked=True)
    code = _code(event.words) if by_code and event.kind == "text" else None
    if code and (event.code_tried if contact.wa_digits else not await _may_try_code(pool, event)):
        code = None
    if contact.user_id and code is None:
        return Owner(contact.user_id)
    candidates = [*number_variants(contact.wa_digits, contact.alias_digits), *filter(None, [contact.bsuid])]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(BECOME, "service_role")
        rows = await connection.fetch(LOOK_UP, candidates, code)
        await connection.execute(BECOME, "none")
        owner, pinned = _decide(contact, rows), None
        if owner.user_id and owner.user_id != contact.user_id:
            version = None if owner.linked else contact.link_version
            pin = contact.id, event.token, owner.user_id, version, owner.found_by
            pinned = await connection.fetchval(_PIN, *pin)
            if pinned == "lost":
                raise LeaseLost
            if pinned == "changed":
                raise RetryLater(Release(0.2, "the link changed meanwhile"))
        if code:
            await connection.execute(_TRIED, event.id, CODE if owner.linked else event.kind)
    if pinned == "released" and not owner.linked:
        raise LaneChanged  # what was held goes first
    return owner


async def _may_try_code(pool: Pool, event: Event) -> bool:
    """Counted first, once: without a number a guess is compared with every code that is waited for."""
    most = _CODES_WITHOUT_NUMBER_MAX, _CODES_WITHOUT_NUMBER_WINDOW
    may_try = bool(await pool.fetchval(_COUNT_CODE, event.contact.id, event.id, *most))
    if not may_try:
        log.warning("contact.too_many_codes", contact=event.contact.id)
    return may_try


def number_variants(*known: str | None) -> list[str]:
    """These numbers (digits, no plus sign), then their other national spellings, each once.

    The others are guesses, valid only when exactly one of them is known.
    """
    exact = [digits for digits in known if digits]
    others = [
        pattern.sub(other, digits)
        for digits in exact
        for pattern, other in _SPELLINGS
        if pattern.fullmatch(digits)
    ]
    return list(dict.fromkeys([*exact, *others]))


def _decide(contact: Contact, rows: list[asyncpg.Record]) -> Owner:
    proven = [row for row in rows if row["confirmed"]]
    if proven:
        return Owner(proven[0]["user_id"], linked=True, found_by=proven[0]["phone"])
    if contact.user_id:
        return Owner(contact.user_id)
    known = {f"+{contact.wa_digits}", contact.bsuid}
    exact = {row["user_id"] for row in rows if row["phone"] in known}
    people = exact or {row["user_id"] for row in rows}
    if len(people) > 1:
        ALERTS.labels("ambiguous_number").inc()
        log.warning("contact.ambiguous", contact=contact.id, people=len(people), alert=True)
        return Owner(None, HoldReason.SEVERAL_ACCOUNTS)
    if not people:
        return Owner(None, HoldReason.NOT_LINKED if contact.wa_digits else HoldReason.HIDDEN_NUMBER)
    if contact.recycled and contact.relinked_by not in people:
        return Owner(None, HoldReason.RECYCLED)
    user_id = people.pop()
    return Owner(user_id, found_by=next(row["phone"] for row in rows if row["user_id"] == user_id))


def _code(words: str) -> str | None:
    found = _CODE.fullmatch(words.strip())
    return found[1] if found else None
