"""What a reader sees as one character, in every script: Unicode's extended grapheme clusters.

Decision 0099.
"""

import regex

_CLUSTER = regex.compile(r"\X")
VISIBLE = regex.compile(r"[^\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]")
"""A character that a reader sees: not white space, and not one without a glyph.

One that is unassigned here may be an emoji that is newer than this library.
"""

_WINDOW_CHARACTERS = 128
"""The library looks back over all flags of a row at each of them, so that a long row is read in parts."""


def boundaries(text: str) -> list[int]:
    """The positions in `text` at which it may be cut: after each cluster, the last one's end included."""
    found: list[int] = []
    at, window = 0, _WINDOW_CHARACTERS
    while at < len(text):
        clusters = _CLUSTER.findall(text[at : at + window])
        if at + window < len(text):
            clusters.pop()  # it may go on behind the window
        # Nothing is left when one cluster fills the window: then a wider one is read.
        window = _WINDOW_CHARACTERS if clusters else 2 * window
        for cluster in clusters:
            at += len(cluster)
            found.append(at)
    return found


def shorten(text: str, longest: int) -> str:
    """At most the first `longest` characters; a cluster that is cut by that is left out, if others remain."""
    if len(text) <= longest:
        return text
    whole = [at for at in boundaries(text[: longest + 1]) if at <= longest]
    return text[: max(whole, default=longest)]
