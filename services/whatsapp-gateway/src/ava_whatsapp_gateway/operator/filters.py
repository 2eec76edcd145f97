"""Filters for events: by wamid, person, state and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

SELECTED = """
select e.id, e.key, e.kind, e.state, e.reason, e.attempts, e.sent_at, e.received_at, e.changed_at,
       e.contact_id, e.delivery_id, coalesce(e.user_id, c.user_id) as user_id
from whatsapp.events as e left join whatsapp.contacts as c on c.id = e.contact_id
where ($1::text[] is null or e.key = any ($1))
  and ($2::uuid is null or $2 in (e.user_id, c.user_id))
  and ($3::text is null or $3 in (c.wa_digits, c.bsuid, c.username))
  and ($4::text[] is null or e.state = any ($4))
  and ($5::timestamptz is null or e.received_at >= $5)
  and ($6::timestamptz is null or e.received_at < $6)
order by e.received_at desc, e.id desc limit $7
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """All that are not None must match; `person` is an account's id, a number's digits or a username."""

    wamids: Sequence[str] | None = None
    person: str | None = None
    states: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100

    @property
    def match_everything(self) -> bool:
        return not (self.wamids or self.person or self.states or self.since or self.until)

    def arguments(self) -> tuple[Any, ...]:
        """The parameters of SELECTED."""
        account = _uuid(self.person)
        name = None if account or not self.person else self.person.removeprefix("+")
        wamids = list(self.wamids) if self.wamids else None
        states = list(self.states) if self.states else None
        return wamids, account, name, states, self.since, self.until, self.limit


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
