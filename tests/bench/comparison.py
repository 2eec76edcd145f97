"""Measures variants of one thing in turns, so that a busy moment of the machine hits all of them.

Decision 0080.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
class Row:
    """Medians over the rounds; `ratio` is to the first variant of the same round, CPU in µs per request."""

    name: str
    ratio: float
    per_second: float
    program_us: float
    database_us: float
    p50_ms: float
    p99_ms: float


def compare(variants: Sequence[Variant], rounds: int, seconds: float) -> list[Row]:
    """Every second round is reversed, so that no variant always follows the same one."""
    for variant in variants:
        variant.take_turn(WARM_UP_SECONDS)
    turns: dict[str, list[Turn]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        for variant in variants if number % 2 == 0 else reversed(variants):
            turns[variant.name].append(variant.take_turn(seconds))
    limit = turns[variants[0].name]
    return [_row(name, taken, limit) for name, taken in turns.items()]


def _row(name: str, taken: Sequence[Turn], limit: Sequence[Turn]) -> Row:
    return Row(
        name,
        ratio=round(
            statistics.median(turn.rate / most.rate for turn, most in zip(taken, limit, strict=True)), 3
        ),
        per_second=round(statistics.median(turn.rate for turn in taken)),
        program_us=round(statistics.median(turn.program / turn.load.count * 1e6 for turn in taken)),
        database_us=round(statistics.median(turn.database / turn.load.count * 1e6 for turn in taken)),
        p50_ms=round(statistics.median(_percentile(turn, 0.50) for turn in taken), 2),
        p99_ms=round(statistics.median(_percentile(turn, 0.99) for turn in taken), 2),
    )


def _percentile(turn: Turn, share: float) -> float:
    latencies = turn.load.latencies
    return latencies[int(share * (len(latencies) - 1))] * 1000 if latencies else 0.0
