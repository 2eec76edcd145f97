"""A place in the queue is held for whole steps, and the queue has an end."""

import asyncio
import itertools

import pytest

from ava_auth.even_queue import EvenQueue
from ava_auth.problems import AccountsAway
from ava_common.attempt_limiter import TooManyAttempts
from ava_local.testing.virtual_time import in_virtual_time

STEP = 1.0


@in_virtual_time
async def test_who_waits_cannot_tell_how_long_the_others_worked() -> None:
    """Behind quick work and behind slow work of less than a step the wait is the same."""
    clock = asyncio.get_running_loop().time
    waits = []
    for work in (0.0, 0.1):
        queue = EvenQueue(STEP, at_once=1)

        async def occupy(queue: EvenQueue = queue, work: float = work) -> None:
            async with queue.turn("203.0.113.9"):
                await asyncio.sleep(work)

        occupied = asyncio.create_task(occupy())
        await asyncio.sleep(0)
        started = clock()
        async with queue.turn("198.51.100.7"):
            waits.append(clock() - started)
        await occupied
    assert waits == [STEP, STEP]


@in_virtual_time
async def test_only_so_many_work_at_once_and_only_so_many_wait() -> None:
    queue, free = EvenQueue(0, at_once=2, waiting_max=1), asyncio.Event()

    async def occupy(network: str) -> None:
        async with queue.turn(network):
            await free.wait()

    tasks = [asyncio.create_task(occupy(f"203.0.113.{number}")) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(AccountsAway):
        async with queue.turn("198.51.100.7"):
            pass
    free.set()
    await asyncio.gather(*tasks)
    async with queue.turn("198.51.100.7"):
        pass


@in_virtual_time
async def test_half_of_the_queue_is_for_other_networks() -> None:
    """Log-ins to accounts of one's own cost an attacker nothing, and would make everybody else wait."""
    queue, free = EvenQueue(0, at_once=2, waiting_max=4), asyncio.Event()

    async def occupy(network: str) -> None:
        async with queue.turn(network):
            await free.wait()

    tasks = [asyncio.create_task(occupy("203.0.113.9")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyAttempts):
        async with queue.turn("203.0.113.9"):
            pass
    tasks.append(asyncio.create_task(occupy("198.51.100.7")))
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(*tasks)
    async with queue.turn("203.0.113.9"):
        pass


@in_virtual_time
async def test_those_who_come_at_once_begin_apart_and_as_many_in_a_step() -> None:
    queue, clock = EvenQueue(STEP, at_once=2), asyncio.get_running_loop().time
    began: list[float] = []

    async def work() -> None:
        async with queue.turn("203.0.113.9"):
            began.append(clock())

    came = clock()
    await asyncio.gather(*(work() for _ in range(5)))
    apart = [after - before for before, after in itertools.pairwise([came, *began])]
    assert apart[0] == 0, "the first one waits for nobody"
    assert apart[1:] == [STEP / 2] * 4, "a step has as many as it had"


@in_virtual_time
async def test_who_leaves_before_beginning_delays_nobody() -> None:
    queue, clock = EvenQueue(STEP, at_once=4), asyncio.get_running_loop().time

    async def begin() -> float:
        async with queue.turn("203.0.113.9"):
            return clock()

    came = clock()
    first, *leaving, last = [asyncio.create_task(begin()) for _ in range(4)]
    await asyncio.sleep(STEP / 20)
    for one in leaving:
        one.cancel()
    began = [await one for one in (first, last)]
    assert [each - came for each in began] == [0, STEP / 4]


@in_virtual_time
async def test_what_takes_longer_than_a_step_goes_on_by_itself_and_is_finished() -> None:
    queue, done = EvenQueue(STEP), asyncio.Event()

    async def send() -> None:
        await asyncio.sleep(STEP * 3)
        done.set()

    clock = asyncio.get_running_loop().time
    waits = []
    for work in (send(), asyncio.sleep(0)):
        started = clock()
        async with queue.turn("203.0.113.9"):
            await queue.without_waiting(work)
        waits.append(clock() - started)
    assert waits == [STEP, STEP], "one does not wait for the mail"
    await queue.finish()
    assert done.is_set()


@in_virtual_time
async def test_a_failure_within_the_step_is_told_and_a_later_one_is_not() -> None:
    async def fail(seconds: float) -> None:
        await asyncio.sleep(seconds)
        raise AccountsAway

    queue = EvenQueue(STEP)
    with pytest.raises(AccountsAway):
        await queue.without_waiting(fail(0))
    await queue.without_waiting(fail(STEP))
    await queue.finish()
    patient = EvenQueue(0)
    with pytest.raises(AccountsAway):
        await patient.without_waiting(fail(STEP))


@in_virtual_time
async def test_a_failure_is_told_after_the_same_time_as_a_success() -> None:
    async def work(seconds: float, problem: type[Exception] | None) -> None:
        await asyncio.sleep(seconds)
        if problem:
            raise problem

    queue, clock = EvenQueue(STEP), asyncio.get_running_loop().time
    for seconds, problem in ((0.0, None), (STEP, None), (STEP, AccountsAway), (STEP * 20, AccountsAway)):
        task = await queue.without_waiting(work(seconds, problem))
        started = clock()
        if problem and seconds == STEP:
            with pytest.raises(AccountsAway):
                await queue.wait_as_long(task)
        else:
            await queue.wait_as_long(task)
        assert clock() - started == STEP * 4


@in_virtual_time
async def test_what_follows_in_the_step_does_not_tell_whether_a_mail_was_sent() -> None:
    """An entry in the audit log, while the database is slow."""
    queue, clock = EvenQueue(STEP), asyncio.get_running_loop().time
    waits = []
    for work in (0, STEP * 0.7):
        started = clock()
        async with queue.turn("203.0.113.9"):
            await queue.without_waiting(asyncio.sleep(work))
            await asyncio.sleep(STEP * 0.5)
        waits.append(clock() - started)
    assert waits == [STEP * 2, STEP * 2]
