"""How long a supervisor waits, and how often it tries."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Seconds and counts; a process that was ready for `steady_after` starts counting anew."""

    first_pause: float = 0.1
    longest_pause: float = 10.0
    tries_at_start: int = 3
    tries_later: int = 10
    ready_within: float = 60.0
    stop_within: float = 10.0
    steady_after: float = 1.0

    def tries(self, was_ready: bool, once: bool) -> int:
        """A house that never stood is given up soon, a step of its start at once."""
        if was_ready:
            return self.tries_later
        return 1 if once else self.tries_at_start

    def pause_after(self, failures: int) -> float:
        """Twice as long after each failure in a row."""
        return min(self.first_pause * 2.0 ** (failures - 1), self.longest_pause)
