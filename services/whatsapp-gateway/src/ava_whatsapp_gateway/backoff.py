"""How long to wait before the next attempt: Meta's 4^n seconds, spread so that retries do not meet."""

import random

LONGEST = 256.0


def seconds(
    attempt: int,
    *,
    base: float = 4.0,
    unit: float = 1.0,
    longest: float = LONGEST,
    asked: float | None = None,
) -> float:
    """Seconds before the next attempt after `attempt` (from 0) failed: unit × base^attempt ± 25 %.

    Never more than `longest` units, never below `asked`, the peer's own Retry-After in seconds.
    """
    wait = unit * min(longest, base ** min(attempt, 16))
    spread = wait * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
    return max(spread, asked or 0.0)
