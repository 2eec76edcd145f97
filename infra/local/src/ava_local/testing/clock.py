"""A clock that stands still until a test moves it."""


class Clock:
    """Call it for the time; set `now` to another one."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
