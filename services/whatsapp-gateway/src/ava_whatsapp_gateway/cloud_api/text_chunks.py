"""Split a long text into messages that WhatsApp accepts, at the ends of paragraphs, sentences or words.

Decision 0099. See docs/contracts/whatsapp-cloud-api.md#sending.
"""

from collections.abc import Iterator

import regex

from ava_whatsapp_gateway.cloud_api.graphemes import boundaries

MAX_CHARACTERS = 4096
"""Characters in one text message (text.body), from Meta's Cloud API reference."""

_SEPARATORS = ("\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ")
# A space that carries an accent is seen as one character with it, and stays.
_LEADING_SPACE = regex.compile(r"\A\s+(?![\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}])")


def text_chunks(text: str, longest: int = MAX_CHARACTERS) -> list[str]:
    """The text in order, each chunk 1 to `longest` characters; only white space between chunks is lost."""
    chunks = []
    rest = text.strip()
    while len(rest) > longest:
        cut = _cut(rest, longest)
        chunks.append(rest[:cut].rstrip())
        rest = _LEADING_SPACE.sub("", rest[cut:])
    return [chunk for chunk in [*chunks, rest] if chunk]


def _cut(text: str, longest: int) -> int:
    """After the last separator of the best kind in the second half of the window, else between characters.

    What a reader sees as one character is only cut when it is longer than a chunk.
    """
    window = text[: longest + 1]
    allowed = {at for at in boundaries(window) if at <= longest}
    for separator in _SEPARATORS:
        for end in _ends(window, separator, longest):
            if end in allowed:
                return end
    return max(allowed, default=longest)


def _ends(window: str, separator: str, longest: int) -> Iterator[int]:
    """The ends of this separator in the second half of the window, the last one first."""
    at = window.rfind(separator, longest // 2)
    while at > 0:
        yield min(at + len(separator), longest)
        at = window.rfind(separator, longest // 2, at)
