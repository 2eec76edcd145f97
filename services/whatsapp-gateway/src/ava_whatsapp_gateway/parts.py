"""Part a long answer into messages that WhatsApp accepts, where a reader would take a breath."""

import unicodedata

LONGEST = 4096
"""Characters in one text message (text.body), from Meta's Cloud API reference."""

_BREATHS = ("\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ")


def parts(text: str, longest: int = LONGEST) -> list[str]:
    """The text in order, each part 1 to `longest` characters; only white space at the seams is lost."""
    found = []
    rest = text.strip()
    while len(rest) > longest:
        cut = _cut(rest, longest)
        found.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*found, rest] if rest else found


def _cut(text: str, longest: int) -> int:
    """The last seam of the best kind in the second half of the window, else between two characters."""
    window = text[: longest + 1]
    for breath in _BREATHS:
        seam = window.rfind(breath, longest // 2)
        if seam > 0:
            return min(seam + len(breath), longest)
    lowest = max(longest - 32, 0)
    return next((at for at in range(longest, lowest, -1) if not _joined(text, at)), longest)


def _joined(text: str, at: int) -> bool:
    """Whether a reader sees the characters on both sides of `at` as one (accents, emoji sequences)."""
    left, right = text[at - 1], text[at]
    modifier = "\U0001f3fb" <= right <= "\U0001f3ff"
    return left == "‍" or right == "‍" or modifier or unicodedata.category(right) in ("Mn", "Me")
