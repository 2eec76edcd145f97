"""Keep below the number's messages per second: everybody takes the next free slot and waits for it."""

import asyncio


class Pace:
    """`rate` calls a second, evenly spaced once a burst of one second is used up."""

    def __init__(self, rate: float) -> None:
        self._gap = 1.0 / rate
        self._next = 0.0

    async def slot(self) -> None:
        now = asyncio.get_running_loop().time()
        # An idle second may be caught up with, no more.
        self._next = max(self._next + self._gap, now - 1.0)
        if self._next > now:
            await asyncio.sleep(self._next - now)
