"""People write: each of them in order, a second or more apart, all of them at once."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ava_local.chaos.options import Options
from ava_local.chaos.people import Person
from ava_local.chaos.platform import Platform

EVERY = 0.25


def messages(options: Options, people: Sequence[Person], now: int) -> list[dict[str, Any]]:
    """All that will be said, one round of everybody after the other; timestamps end just before `now`."""
    each = -(-options.messages // len(people))
    began = now - each - 1
    turns = ((nth, person) for nth in range(each) for person in people)
    said = [
        {"number": person.number, "text": person.text(nth), "timestamp": began + nth} for nth, person in turns
    ]
    return said[: options.messages]


async def write(options: Options, people: Sequence[Person], platform: Platform) -> None:
    """Say it all at the wanted rate."""
    for chunk in _chunks(messages(options, people, int(time.time())), max(1, round(options.rate * EVERY))):
        await platform.say(chunk)
        await asyncio.sleep(EVERY)


def _chunks(said: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(said), size):
        yield said[start : start + size]
