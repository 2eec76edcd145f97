"""One rule for every text that comes from outside: what PostgreSQL and UTF-8 cannot hold is refused.

Decision 0113. See docs/contracts/postgres.md#characters-it-cannot-store.
"""

import re

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def flaw(text: str) -> str | None:
    """What is wrong with this text, as a clause to follow the field's name; None for most texts."""
    found = _UNSTORABLE.search(text)
    if not found:
        return None
    if found[0] == "\0":
        return "must not contain NUL characters"
    return "must not contain half of a surrogate pair; send whole characters as UTF-8"


def printable(text: str) -> str:
    """The text with U+FFFD for what UTF-8 cannot hold, so that it can be quoted in a response."""
    return text.encode("utf-8", "replace").decode()
