"""A place in the queue is held for whole steps, and the queue has an end."""

import asyncio

import pytest

from ava_auth.even_queue import EvenQueue
from ava_auth.problems import AccountsAway

STEP = 0.2


async def test_who_waits_cannot_tell_how_long_the_others_worked() -> None:
    """Behind quick work and behind slow work of less than a step the wait is the same."""
    clock = asyncio.get_running_loop().time
    waits = []
    for work in (0.0, 0.1):
        queue = EvenQueue(STEP, at_once=1)

        async def occupy(queue: EvenQueue = queue, work: float = work) -> None:
            async with queue.turn():
                await asyncio.sleep(work)

        occupied = asyncio.create_task(occupy())
        await asyncio.sleep(0)
        started = clock()
        async with queue.turn():
            waits.append(clock() - started)
        await occupied
    assert min(waits) >= STEP * 0.9


async def test_only_so_many_work_at_once_and_only_so_many_wait() -> None:
    queue, free = EvenQueue(0, at_once=2, waiting_max=1), asyncio.Event()

    async def occupy() -> None:
        async with queue.turn():
            await free.wait()

    tasks = [asyncio.create_task(occupy()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(AccountsAway):
        async with queue.turn():
            pass
    free.set()
    await asyncio.gather(*tasks)
    async with queue.turn():
        pass
