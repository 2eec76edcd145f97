"""An answer always takes a whole number of steps, however long the work took."""

import asyncio

import pytest

from ava_auth.constant_time import padded_to

STEP = 0.2


@pytest.mark.parametrize(("work", "steps"), [(0.0, 1), (0.05, 1), (0.25, 2)])
async def test_short_and_long_work_end_at_a_whole_number_of_steps(work: float, steps: int) -> None:
    clock = asyncio.get_running_loop().time
    started = clock()
    async with padded_to(STEP):
        await asyncio.sleep(work)
    assert clock() - started >= STEP * steps


async def test_a_refusal_takes_as_long_as_a_success() -> None:
    clock = asyncio.get_running_loop().time
    started = clock()
    with pytest.raises(ValueError, match="refused"):
        async with padded_to(STEP):
            raise ValueError("refused")
    assert clock() - started >= STEP
