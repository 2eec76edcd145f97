"""Kills one process after the other, spread over the run, without warning."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from ava_local.chaos.options import Options
from ava_local.handle import House, HouseDown
from ava_local.whatsapp_simulator.chance import shuffled

LONGEST_PAUSE = 20.0
LOOK_EVERY = 0.1
SPREAD = 0.9
TRIES = 50


async def kill(options: Options, house: House, progress: Callable[[], int]) -> Counter[str]:
    """Spread all kills over the echoes received; a stall does not hold up the next kill for long."""
    killed: Counter[str] = Counter()
    for nth, victim in enumerate(order(options), start=1):
        await _until(progress, round(SPREAD * options.messages * nth / (options.kills + 1)))
        await asyncio.to_thread(_strike, house, victim)
        killed[victim] += 1
    return killed


def order(options: Options) -> list[str]:
    """Every victim once a round, in an order the seed decides."""
    rounds = range(options.rounds)
    return [victim for r in rounds for victim in shuffled(options.victims, options.seed, "victims", r)]


def _strike(house: House, victim: str) -> None:
    """One kill that hits: a process may fall by itself between being seen ready and being struck."""
    for _ in range(TRIES):
        house.wait_ready(victim)
        try:
            house.kill(victim)
        except (ProcessLookupError, HouseDown):
            time.sleep(LOOK_EVERY)
        else:
            return
    raise HouseDown(f"{victim} does not stay up long enough to be killed")


async def _until(progress: Callable[[], int], wanted: int) -> None:
    for _ in range(round(LONGEST_PAUSE / LOOK_EVERY)):
        if progress() >= wanted:
            return
        await asyncio.sleep(LOOK_EVERY)
