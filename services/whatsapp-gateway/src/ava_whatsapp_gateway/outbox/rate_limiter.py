"""Limit the messages per second of our number: each send takes the next free slot and waits for it.

Decision 0054. See docs/contracts/whatsapp-cloud-api.md#limits.
"""

import asyncio


class RateLimiter:
    """`per_second` calls a second, evenly spaced once a burst of one second is used up; for one process."""

    def __init__(self, per_second: float) -> None:
        self._gap_seconds = 1.0 / per_second
        self._next = 0.0

    async def acquire(self) -> None:
        """Wait for the next free slot."""
        now = asyncio.get_running_loop().time()
        # At most one idle second may be caught up.
        self._next = max(self._next + self._gap_seconds, now - 1.0)
        if self._next > now:
            await asyncio.sleep(self._next - now)
