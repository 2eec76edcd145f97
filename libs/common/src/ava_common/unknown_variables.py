"""Variables that nobody reads, mostly because of a typo: named with what was probably meant."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

SIMILAR = 0.85
"""How alike two names must be for one to be a typo of the other; 1 is the same."""


def unknown(given: Iterable[str], known: Collection[str], prefixes: tuple[str, ...]) -> list[str]:
    """A sentence for each given name that is not known: one with such a prefix, or close to a known name."""
    return [
        sentence
        for name in sorted(set(given) - set(known))
        if (sentence := _sentence(name, known, name.startswith(prefixes)))
    ]


def _sentence(name: str, known: Collection[str], is_ours: bool) -> str | None:
    if close := get_close_matches(name, sorted(known), n=1, cutoff=SIMILAR):
        return f"{name} is not known, so it has no effect; did you mean {close[0]}?"
    return f"{name} is not known, so it has no effect; check its spelling." if is_ours else None
