"""One rule for every text that comes from outside: what PostgreSQL and UTF-8 cannot hold is refused.

Decision 0113. See docs/contracts/postgres.md#characters-it-cannot-store.
"""

import re
import unicodedata

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
_EMPTY_SIGNS = frozenset("\u2800\u3164\u115f\u1160\uffa0")
"""Braille and Hangul without a dot or stroke: by their category they could be seen."""


def flaw(text: str) -> str | None:
    """What is wrong with this text, as a clause to follow the field's name; None for most texts."""
    found = _UNSTORABLE.search(text)
    if not found:
        return None
    if found[0] == "\0":
        return "must not contain NUL characters"
    return "must not contain half of a surrogate pair; send whole characters as UTF-8"


def is_blank(text: str) -> bool:
    """Whether nothing can be seen in it: only white space, direction marks and their like."""
    seen = (character for character in text if character not in _EMPTY_SIGNS)
    # A character that is unassigned here may be an emoji that is newer than this Python.
    return all(unicodedata.category(character) in _INVISIBLE for character in seen)


def printable(text: str) -> str:
    """The text with U+FFFD for what UTF-8 cannot hold, so that it can be quoted in a response."""
    return text.encode("utf-8", "replace").decode()
