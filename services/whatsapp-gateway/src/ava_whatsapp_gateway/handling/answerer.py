"""What an answerer is given and what it gives back; the echo, which is the default.

`app.py` chooses one. Decision 0143.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ava_whatsapp_gateway.cloud_api.message_details import Media
from ava_whatsapp_gateway.peers.messaging import LoggedTurn, Turn
from ava_whatsapp_gateway.peers.profile import Avatar

SILENT_KINDS = frozenset({"unsupported", "unknown", "system", "errors"})
"""Kinds that expect no answer: WhatsApp could not even tell us what they were."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that a turn replies to."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a companion needs beside the turn; `history` is oldest first and ends before the turn.

    The same turn has the same `idempotency_key` however often it is asked about. The two URLs are the
    settings of these names, for an answerer inside this process.
    """

    avatar: Avatar | None = None
    history: tuple[LoggedTurn, ...] = ()
    replies_to: Quoted | None = None
    media: tuple[Media, ...] = ()
    idempotency_key: str = ""
    deadline: datetime | None = None
    ollama_url: str | None = None
    image_generation_url: str | None = None


NO_CONTEXT = Context()


@dataclass(frozen=True, slots=True)
class Answer:
    """The words to send; they are cut into as many messages as WhatsApp asks for."""

    text: str


class AnswererAway(Exception):
    """No answer now; it is asked again. `shared`: nobody gets one, so all wait for the same thing."""

    def __init__(self, why: str, retry_after_seconds: float | None = None, *, shared: bool = False) -> None:
        super().__init__(f"the answerer is away: {why}")
        self.retry_after_seconds = retry_after_seconds
        self.shared = shared


class AnswerRefused(Exception):
    """The answerer will not answer this one message, however often it is asked."""


class Answerer(Protocol):
    """Answers turns. Whatever it raises beside AnswerRefused means that it is asked again later."""

    @property
    def thinks(self) -> bool:
        """False: it answers at once from the turn alone, and nothing is fetched for it or shown meanwhile."""

    async def answer(self, turn: Turn, context: Context) -> Answer | None:
        """The answer, or None for silence."""


class Echo:
    """Answers with the turn's own words."""

    thinks = False

    async def answer(self, turn: Turn, context: Context) -> Answer | None:
        """The turn's own words; None for a turn without any."""
        silent = turn.kind in SILENT_KINDS or not turn.words.strip()
        return None if silent else Answer(turn.words)
