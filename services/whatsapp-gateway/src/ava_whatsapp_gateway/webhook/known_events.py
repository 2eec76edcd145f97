"""What is stored already about the messages of a batch: that they came before, or were edited or deleted.

Decision 0141.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from ava_whatsapp_gateway.queue.states import EventState, literals
from ava_whatsapp_gateway.webhook.event_rows import EventRow

# A deletion counts, whatever was edited after it; else the last edit does.
KNOWN = f"""
select key, null::bigint as contact_id, words = '' and corrects is null as deleted, null as words
from whatsapp.events where key = any ($1)
union all (
  select distinct on (corrects, contact_id) corrects, contact_id, kind = 'revoke', words from whatsapp.events
  where corrects = any ($1) and state not in ({literals(EventState.DISCARDED, EventState.QUARANTINED)})
  order by corrects, contact_id, kind = 'revoke' desc, sent_at desc, id desc)
"""


@dataclass(slots=True)
class KnownEvents:
    """Keys that are stored, keys of what its sender deleted, and the new words by key and contact."""

    seen: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    words: dict[tuple[str, int | None], str] = field(default_factory=dict)

    def note(self, rows: Sequence[asyncpg.Record]) -> None:
        """What KNOWN found. Ingest is one process at a time, so that nothing is stored meanwhile."""
        for row in rows:
            if row["contact_id"] is not None:
                self.words[row["key"], row["contact_id"]] = "" if row["deleted"] else row["words"]
                continue
            self.seen.add(row["key"])
            if row["deleted"]:
                self.deleted.add(row["key"])

    def corrected(self, said: EventRow) -> EventRow:
        """A message with the words of its last edit; one that was deleted before it came is empty."""
        words = self.words.get((said.key, said.contact_id))
        if words:
            return said._replace(words=words)
        if words is None:
            return said
        self.deleted.add(said.key)
        reason = "deleted by its sender"
        return said._replace(state=EventState.IGNORED, reason=reason, turn_id=None, words="", item=b"")
