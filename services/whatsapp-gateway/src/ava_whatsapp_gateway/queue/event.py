"""An event of the queue: one thing a person said, and the contact who said it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Contact:
    """An identity on WhatsApp; `user_id` once its owner is known."""

    id: int
    wa_digits: str | None
    bsuid: str | None
    alias_digits: str | None
    user_id: UUID | None
    link_version: int
    recycled: bool
    relinked_by: UUID | None


@dataclass(frozen=True, slots=True)
class Event:
    """A turn at the head of its lane; `token` fences the lease it was claimed under."""

    id: int
    token: UUID
    contact: Contact
    key: str
    kind: str
    words: str
    turn_id: UUID
    sent_at: datetime
    received_at: datetime
    trace: str
    user_id: UUID | None
    avatar_id: UUID | None
    logged_at: datetime | None
    attempts: int
    reason: str | None
    send_count: int

    def is_stale(self, after_seconds: float) -> bool:
        """Too old for an answer: after an outage Meta delivers what was sent in up to seven days."""
        return (datetime.now(UTC) - self.sent_at).total_seconds() > after_seconds
