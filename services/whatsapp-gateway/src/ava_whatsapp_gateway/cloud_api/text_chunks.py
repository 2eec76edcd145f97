"""Split a long text into messages that WhatsApp accepts, at the ends of paragraphs, sentences or words.

See docs/contracts/whatsapp-cloud-api.md#sending.
"""

import unicodedata

MAX_CHARACTERS = 4096
"""Characters in one text message (text.body), from Meta's Cloud API reference."""

_SEPARATORS = ("\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ")


def text_chunks(text: str, longest: int = MAX_CHARACTERS) -> list[str]:
    """The text in order, each chunk 1 to `longest` characters; only white space between chunks is lost."""
    chunks = []
    rest = text.strip()
    while len(rest) > longest:
        cut = _cut(rest, longest)
        chunks.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*chunks, rest] if rest else chunks


def _cut(text: str, longest: int) -> int:
    """After the last separator of the best kind in the second half of the window, else between characters."""
    window = text[: longest + 1]
    for separator in _SEPARATORS:
        end = window.rfind(separator, longest // 2)
        if end > 0:
            return min(end + len(separator), longest)
    lowest = max(longest - 32, 0)
    return next((at for at in range(longest, lowest, -1) if not _joined(text, at)), longest)


def _joined(text: str, at: int) -> bool:
    """Whether a reader sees the characters on both sides of `at` as one (accents, emoji sequences)."""
    left, right = text[at - 1], text[at]
    modifier = "\U0001f3fb" <= right <= "\U0001f3ff"
    return left == "‍" or right == "‍" or modifier or unicodedata.category(right) in ("Mn", "Me")
