"""Meta's limits: messages to one recipient, messages of the business number, the 24-hour window.

Decision 0030. See docs/contracts/whatsapp-cloud-api.md#limits.
"""

import time
from collections import defaultdict
from collections.abc import Callable

from ava_whatsapp_simulator.behaviour_plan import BehaviourPlan
from ava_whatsapp_simulator.graph_api.errors import GraphError
from ava_whatsapp_simulator.phones.phones import Phone


class TokenBucket:
    """Holds `size` tokens and gains one every `every` seconds."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._seen: float | None = None

    def take(self, size: float, every: float, now: float) -> bool:
        """Take one token, if there is one."""
        if self._seen is not None:
            self._spent = max(0.0, self._spent - (now - self._seen) / every)
        self._seen = now
        if self._spent + 1 > size:
            return False
        self._spent += 1
        return True


class RateLimits:
    """Rejects sends that exceed a limit, with the error Meta uses for it."""

    def __init__(self, plan: Callable[[], BehaviourPlan]) -> None:
        self._plan = plan
        self._pairs: defaultdict[str, TokenBucket] = defaultdict(TokenBucket)
        self._number = TokenBucket()

    def check(self, addressee: str) -> None:
        """Raise GraphError if this send would exceed a limit."""
        pair, number, now = self._plan().pair_rate, self._plan().number_rate, time.monotonic()
        if number.enabled and not self._number.take(number.per_second, 1 / number.per_second, now):
            raise GraphError(130429, "Message throughput limit has been reached.")
        if pair.enabled and not self._pairs[addressee].take(pair.burst, pair.every * pair.scale, now):
            raise GraphError(131056, "Too many messages sent from this number to the same recipient.")

    def is_window_open(self, phone: Phone) -> bool:
        """Whether this user wrote recently enough to receive free-form messages."""
        window = self._plan().window
        return not window.enabled or time.time() - phone.last_wrote < window.hours * 3600
