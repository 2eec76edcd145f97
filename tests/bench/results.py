"""What a benchmark found: figures with their goals, and tables that show where they come from."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """One figure: the median over the rounds, the lowest and the highest.

    `value` is None when it could not be measured, `goal` is empty for what has none, and then `met` is None.
    """

    name: str
    value: float | None
    goal: str
    met: bool | None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Table:
    """The measurements behind results; every row has the same columns."""

    title: str
    rows: Sequence[dict[str, Any]]


@dataclass
class Found:
    """All that one part found."""

    results: list[Result] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def at_least(name: str, goal: float, values: Sequence[float]) -> Result:
    """A figure that should be large."""
    found = shown(name, values)
    met = None if found.value is None else found.value >= goal
    return Result(name, found.value, f"≥ {goal:g}", met, found.lowest, found.highest)


def at_most(name: str, goal: float, values: Sequence[float]) -> Result:
    """A figure that should be small."""
    found = shown(name, values)
    met = None if found.value is None else found.value <= goal
    return Result(name, found.value, f"≤ {goal:g}", met, found.lowest, found.highest)


def shown(name: str, values: Sequence[float]) -> Result:
    """A figure without a goal."""
    if not values:
        return Result(name, None, "", None)
    median, lowest, highest = statistics.median(values), min(values), max(values)
    return Result(name, _short(median), "", None, _short(lowest), _short(highest))


def _short(value: float) -> float:
    """Three digits that mean something."""
    return float(f"{value:.3g}") if abs(value) < 1000 else round(value)
