"""Traces are carried in context variables, one for each task."""

import asyncio

from ava_common.tracing import new_trace, traceparent


async def test_two_traces_at_once_do_not_mix() -> None:
    async def step(name: str) -> bool:
        with new_trace(request=name):
            mine = traceparent()
            await asyncio.sleep(0.001)
            return traceparent() == mine

    assert all(await asyncio.gather(*(step(f"r-{number}") for number in range(20))))
