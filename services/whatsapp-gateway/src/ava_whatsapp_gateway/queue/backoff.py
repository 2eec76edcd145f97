"""Exponential back-off with jitter: how long to wait before the next attempt.

See docs/contracts/whatsapp-cloud-api.md#error-codes.
"""

import random

LONGEST_UNITS = 256.0


def seconds(
    attempt: int,
    *,
    base: float = 4.0,
    unit: float = 1.0,
    longest: float = LONGEST_UNITS,
    retry_after: float | None = None,
) -> float:
    """Seconds before the next attempt after `attempt` (from 0) failed: unit × base^attempt ± 25 %.

    Never more than `longest` units, never less than `retry_after`, what the other side asked for in seconds.
    Base 4 is the one back-off that Meta publishes.
    """
    wait = unit * min(longest, base ** min(attempt, 16))
    spread = wait * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
    return max(spread, retry_after or 0.0)
