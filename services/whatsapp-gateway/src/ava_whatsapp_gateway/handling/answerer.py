"""What Ava answers to a turn: for now an echo; `app.py` is where a language model takes its place."""

from collections.abc import Callable

from ava_whatsapp_gateway.peers.messaging import Turn

SILENT_KINDS = frozenset({"unsupported", "unknown", "system", "errors"})
"""Kinds that expect no answer: WhatsApp could not even tell us what they were."""

Answerer = Callable[[Turn], str | None]
"""The answer to a turn, or None for silence."""


def echo(turn: Turn) -> str | None:
    """The turn's own words; None for a turn without any."""
    return None if turn.kind in SILENT_KINDS or not turn.words.strip() else turn.words
