"""How a lane is given back, and how handling an event can end early: later, never, or not by this process."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """A lane given back: due again after `seconds`, because of `reason`; at once without either.

    A `shared` reason is one for all lanes alike: each is due when one of them has found that it is over.
    """

    seconds: float = 0.0
    reason: str = ""
    shared: bool = False


class RetryLater(Exception):
    """Not now: the lane waits, through no fault of this event's."""

    def __init__(self, release: Release) -> None:
        super().__init__(release.reason)
        self.release = release


class DependencyAway(Exception):
    """What handling needs is away: it is retried for hours, not a number of attempts.

    `shared`: for all lanes alike, so that one of them finds out for all when it is back.
    """

    def __init__(
        self, name: str, why: str, retry_after_seconds: float | None = None, *, shared: bool = True
    ) -> None:
        super().__init__(why)
        self.name = name
        self.retry_after_seconds = retry_after_seconds
        self.shared = shared


class DeadEvent(Exception):
    """This event cannot be handled; it is kept, with the reason, for an operator to look at."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LaneChanged(Exception):
    """What was read when the lane was claimed may be outdated: release the lane and claim it again."""


class LeaseLost(Exception):
    """Another process has this lane by now; facts we know were written all the same."""
