"""How much a run measures: enough to believe in, or just enough to see that every row runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Seconds are per turn; `offered` are messages a second, offered for `offered_seconds` each."""

    rounds: int = 3
    seconds: float = 1.0
    messages: int = 300_000
    echoes: int = 500
    users: int = 50
    alone: int = 20
    offered: tuple[int, ...] = (10, 50, 150)
    offered_seconds: float = 6.0
    asked: int = 15
    combinations: int = 64
    backlog: int = 100_000
    claims: int = 60
    lanes: int = 2000
    logins: int = 8
    login_seconds: float = 5.0
    overload_seconds: float = 4.0
    far_requests: int = 40


QUICK = Size(
    rounds=1, seconds=0.1, messages=6000, echoes=8, users=4, alone=2, offered=(10, 20), offered_seconds=0.5,
    asked=2, combinations=5, backlog=500, claims=5, lanes=40, logins=2, login_seconds=0.5,
    overload_seconds=0.4, far_requests=4,
)  # fmt: skip
"""For a test: every row runs, and its figures say nothing."""
