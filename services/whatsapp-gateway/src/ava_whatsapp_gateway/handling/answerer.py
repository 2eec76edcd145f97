"""What Ava answers to a turn: for now an echo; `app.py` is where a language model takes its place."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

SILENT_KINDS = frozenset({"unsupported", "unknown", "system", "errors"})
"""Kinds that expect no answer: WhatsApp could not even tell us what they were."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing a user said, as text; times are Meta's."""

    user_id: UUID
    avatar_id: UUID | None
    kind: str
    words: str
    sent_at: datetime


Answerer = Callable[[Turn], str | None]
"""The answer to a turn, or None for silence."""


def echo(turn: Turn) -> str | None:
    """The turn's own words; None for a turn without any."""
    return None if turn.kind in SILENT_KINDS or not turn.words.strip() else turn.words
