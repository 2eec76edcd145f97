"""One thing a person said, as the queue holds it, and the ways its handling can end early."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Contact:
    """An identity on WhatsApp; `user_id` once it is known whose."""

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
    """A turn at the head of its lane; `token` is the lease it was claimed under."""

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
    letters: int

    def is_stale(self, after: float) -> bool:
        """Older than `after` seconds, too old for an answer: after an outage Meta brings up to seven days."""
        return (datetime.now(UTC) - self.sent_at).total_seconds() > after


class LeaseLost(Exception):
    """Somebody else has this lane by now; whatever we know that is a fact was written all the same."""


class Again(Exception):
    """What was read when the lane was claimed may not be true any more: release it, claim it again."""


class Later(Exception):
    """Not now: the lane waits `seconds`. `burns` counts towards the attempts after which an event is dead."""

    def __init__(self, reason: str, seconds: float, *, burns: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds
        self.burns = burns


class Dead(Exception):
    """This event cannot be handled; it stays, with the reason, for a person to look at."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
