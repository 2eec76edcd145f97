"""The number's messages per second are never exceeded, however many want to send at once."""

import asyncio

from ava_whatsapp_gateway.outbox.rate_limiter import RateLimiter


async def test_messages_beyond_the_burst_wait_for_their_slot() -> None:
    limiter, loop = RateLimiter(100), asyncio.get_running_loop()
    began = loop.time()
    passed: list[float] = []

    async def call() -> None:
        await limiter.acquire()
        passed.append(loop.time() - began)

    await asyncio.gather(*(call() for _ in range(150)))
    # One second's worth is let through, the other fifty are a hundredth of a second apart.
    for number, after in enumerate(sorted(passed)):
        assert after >= (number - 100) / 100
