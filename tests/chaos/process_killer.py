"""Kills one process after another with SIGKILL, and begins outages, spread over the run."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from ava_local.stack.control import Stack
from chaos.options import Options
from chaos.outages import Outage, kill_when_ready

MAX_WAIT_SECONDS = 20.0
POLL_SECONDS = 0.1
SPREAD = 0.9


async def kill_processes(
    options: Options,
    stack: Stack,
    outages: Mapping[str, Outage],
    received: Callable[[], int],
    after_kill: Callable[[str], Awaitable[None]],
) -> Counter[str]:
    """Spread all of them over the echoes received; a stall delays the next one only briefly."""
    done: Counter[str] = Counter()
    for nth, target in enumerate(blow_order(options), start=1):
        await _wait_for(received, round(SPREAD * options.messages * nth / (options.blows + 1)))
        if target in outages:
            await outages[target]()
        else:
            await asyncio.to_thread(kill_when_ready, stack, target)
            await after_kill(target)
        done[target] += 1
    return done


def blow_order(options: Options) -> list[str]:
    """Every target and outage once per round, in an order that depends on the seed alone."""
    shuffle, every = random.Random(options.seed), (*options.targets, *options.outages)
    rounds = [shuffle.sample(every, k=len(every)) for _ in range(options.rounds)]
    return [target for targets in rounds for target in targets]


async def _wait_for(received: Callable[[], int], wanted: int) -> None:
    for _ in range(round(MAX_WAIT_SECONDS / POLL_SECONDS)):
        if received() >= wanted:
            return
        await asyncio.sleep(POLL_SECONDS)
