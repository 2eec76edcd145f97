"""What Ava answers: for now an echo. The language model will take this module's place, and no other."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

SILENT = frozenset({"unsupported", "unknown", "system", "errors"})
"""Kinds a person does not expect an answer to: WhatsApp could not even tell us what they were."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing a person said, in readable words; times are Meta's."""

    user_id: UUID
    avatar_id: UUID | None
    kind: str
    words: str
    sent_at: datetime


def answer(turn: Turn) -> str | None:
    """The answer to this turn, or None for silence."""
    return None if turn.kind in SILENT or not turn.words.strip() else turn.words
