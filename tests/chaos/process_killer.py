"""Kills one process after another with SIGKILL, spread over the run."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable

from ava_local.stack.control import Stack, StackNotRunning
from chaos.options import Options

MAX_WAIT_SECONDS = 20.0
POLL_SECONDS = 0.1
SPREAD = 0.9
MAX_ATTEMPTS = 50


async def kill_processes(options: Options, stack: Stack, received: Callable[[], int]) -> Counter[str]:
    """Spread all kills over the echoes received; a stall delays the next kill only briefly."""
    killed: Counter[str] = Counter()
    for nth, target in enumerate(kill_order(options), start=1):
        await _wait_for(received, round(SPREAD * options.messages * nth / (options.kills + 1)))
        await asyncio.to_thread(_kill_when_ready, stack, target)
        killed[target] += 1
    return killed


def kill_order(options: Options) -> list[str]:
    """Every target once per round, in an order that depends on the seed alone."""
    shuffle = random.Random(options.seed)
    rounds = [shuffle.sample(options.targets, k=len(options.targets)) for _ in range(options.rounds)]
    return [target for targets in rounds for target in targets]


def _kill_when_ready(stack: Stack, target: str) -> None:
    """Kill it once, for certain: it may exit by itself between being seen ready and being killed."""
    for _ in range(MAX_ATTEMPTS):
        stack.wait_ready(target)
        try:
            stack.kill(target)
        except (ProcessLookupError, StackNotRunning):
            time.sleep(POLL_SECONDS)
        else:
            return
    raise StackNotRunning(f"{target} keeps crashing before it can be killed")


async def _wait_for(received: Callable[[], int], wanted: int) -> None:
    for _ in range(round(MAX_WAIT_SECONDS / POLL_SECONDS)):
        if received() >= wanted:
            return
        await asyncio.sleep(POLL_SECONDS)
