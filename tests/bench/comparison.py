"""Measures variants of one thing in turns, so that a busy moment of the machine hits all of them.

Decision 0080.
"""

import asyncio
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.load_generator import Load

WARM_UP_SECONDS = 0.2


@dataclass(frozen=True)
class Turn:
    """One variant in one round; CPU in seconds, of the program and of PostgreSQL."""

    load: Load
    program: float
    database: float

    @property
    def rate(self) -> float:
        return self.load.count / self.load.seconds


@dataclass(frozen=True)
class Variant:
    """Something that can be measured for some seconds at a time."""

    name: str
    take_turn: Callable[[float], Turn]


@dataclass(frozen=True)
class Comparison:
    """All turns of all variants, by name; the first variant is the limit."""

    turns: Mapping[str, Sequence[Turn]]

    def ratios(self, name: str, to: str) -> list[float]:
        """How much faster than another variant of the same round; empty when one was not measured."""
        pairs = zip(self.turns.get(name, ()), self.turns.get(to, ()), strict=False)
        return [turn.rate / other.rate for turn, other in pairs]

    def rows(self) -> list[dict[str, Any]]:
        """Medians over the rounds; CPU in µs per request."""
        limit = next(iter(self.turns))
        return [self._row(name, turns, limit) for name, turns in self.turns.items()]

    def _row(self, name: str, turns: Sequence[Turn], limit: str) -> dict[str, Any]:
        ratios = self.ratios(name, limit)
        return {
            "name": name,
            "ratio": round(statistics.median(ratios), 3),
            "lowest": round(min(ratios), 3),
            "highest": round(max(ratios), 3),
            "per_second": round(statistics.median(turn.rate for turn in turns)),
            "program_us": round(statistics.median(turn.program / turn.load.count * 1e6 for turn in turns)),
            "database_us": round(statistics.median(turn.database / turn.load.count * 1e6 for turn in turns)),
            "p50_ms": round(statistics.median(_percentile(turn, 0.50) for turn in turns), 2),
            "p99_ms": round(statistics.median(_percentile(turn, 0.99) for turn in turns), 2),
        }


async def compare(variants: Sequence[Variant], rounds: int, seconds: float) -> Comparison:
    """Every second round is reversed, so that no variant always follows the same one."""
    # In a thread, because a variant may run an event loop of its own.
    return await asyncio.to_thread(_compare, variants, rounds, seconds)


def _compare(variants: Sequence[Variant], rounds: int, seconds: float) -> Comparison:
    for variant in variants:
        variant.take_turn(WARM_UP_SECONDS)
    turns: dict[str, list[Turn]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        for variant in variants if number % 2 == 0 else reversed(variants):
            turns[variant.name].append(variant.take_turn(seconds))
    return Comparison(turns)


def _percentile(turn: Turn, share: float) -> float:
    return percentile(turn.load.latencies, share) * 1000


def percentile(ascending: Sequence[float], share: float) -> float:
    """The value below which this share lies; 0 when there are none."""
    return ascending[int(share * (len(ascending) - 1))] if ascending else 0.0
