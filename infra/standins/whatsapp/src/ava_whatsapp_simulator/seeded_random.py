"""Deterministic pseudo-randomness: the same seed and the same question give the same answer.

Decision 0030.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def seeded_fraction(seed: int, *question: object) -> float:
    """A number in [0, 1) that depends on its arguments alone, never on timing or on the order of calls."""
    digest = blake2b(repr((seed, *question)).encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def seeded_shuffle(items: Sequence[T], seed: int, *question: object) -> list[T]:
    """The items in an order that depends on the seed and the question alone."""
    weighed = [(seeded_fraction(seed, *question, position), position) for position in range(len(items))]
    return [items[position] for _, position in sorted(weighed)]
