"""How often, and after which delays, a process is restarted; and the supervisor's time limits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """Seconds and counts; after being ready for `stable_after_seconds`, failures are counted anew."""

    initial_delay_seconds: float = 0.1
    max_delay_seconds: float = 10.0
    max_attempts_at_start: int = 3
    max_attempts_later: int = 10
    ready_timeout_seconds: float = 60.0
    stop_timeout_seconds: float = 10.0
    stable_after_seconds: float = 1.0

    def max_attempts(self, was_ready: bool, is_one_shot: bool) -> int:
        """Fewer attempts before the stack was ready for the first time; one for a one-shot step."""
        if was_ready:
            return self.max_attempts_later
        return 1 if is_one_shot else self.max_attempts_at_start

    def delay_after(self, failures: int) -> float:
        """Doubles with each failure in a row."""
        return min(self.initial_delay_seconds * 2.0 ** (failures - 1), self.max_delay_seconds)
