"""Filters for events: by wamid, event id, person, state, status of the answer and time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

# `matched` counts all that the filters select, whatever the limit.
_SELECTED = """
select e.id, e.key, e.kind, e.state, e.reason, e.attempts, e.sent_at, e.received_at, e.changed_at,
       e.contact_id, e.delivery_id, coalesce(e.user_id, c.user_id) as user_id,
       answer.status, answer.code, count(*) over () as matched
from whatsapp.events as e left join whatsapp.contacts as c on c.id = e.contact_id
left join lateral (
  select o.status, o.code from whatsapp.outbox as o where o.event_id = e.id and o.kind = 'answer'
  order by (o.status is not distinct from 'failed') desc, o.part limit 1
) as answer on true
where ($1::text[] is null or e.key = any ($1))
  and ($2::uuid is null or $2 in (e.user_id, c.user_id))
  and ($3::text is null or $3 in (c.wa_digits, c.bsuid, c.username))
  and ($4::text[] is null or e.state = any ($4))
  and ($5::timestamptz is null or e.received_at >= $5)
  and ($6::timestamptz is null or e.received_at < $6)
  and ($7::text[] is null or answer.status = any ($7))
  and ($8::bigint[] is null or e.id = any ($8))
"""
NEWEST_FIRST = f"{_SELECTED} order by e.received_at desc, e.id desc limit $9"
OLDEST_FIRST = f"{_SELECTED} order by e.received_at, e.id limit $9"


@dataclass(frozen=True, slots=True)
class Filters:
    """All that are not None must match; `person` is an account's id, a number's digits or a username.

    `statuses` are Meta's, of an event's answer. Without a `limit` all that match are selected.
    """

    wamids: Sequence[str] | None = None
    person: str | None = None
    states: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    statuses: Sequence[str] | None = None
    ids: Sequence[int] | None = None

    @property
    def match_everything(self) -> bool:
        return all(value is None for value in self.arguments()[:-1])

    def only(self, ids: Sequence[int]) -> "Filters":
        """The same filters, for these events alone."""
        return replace(self, ids=ids, limit=None)

    def arguments(self) -> tuple[Any, ...]:
        """The parameters of NEWEST_FIRST and OLDEST_FIRST."""
        account = _uuid(self.person)
        name = None if account or not self.person else self.person.removeprefix("+")
        return (
            *(_list(self.wamids), account, name, _list(self.states), self.since, self.until),
            *(_list(self.statuses), None if self.ids is None else list(self.ids), self.limit),
        )


def _list(values: Sequence[str] | None) -> list[str] | None:
    return list(values) if values else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
