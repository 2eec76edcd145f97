"""Through the whole house: how many messages a second, and how long one takes when nothing else happens."""

import asyncio
import itertools
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from ava_local.expected_error import ExpectedError
from ava_local.ports import free_base_port
from ava_local.stack.control import Stack
from bench.ground import scratch
from bench.servers import cpu
from chaos.simulated_users import SimulatedUser, create_users
from chaos.simulator_client import SimulatorClient

PATIENCE = 120.0
_nth = itertools.count(1)
# The platform's own pace is not what is measured here.
_PLAN = {"pair_rate": {"enabled": False}, "delivery": {"batch": 50}}
_VARIABLES = {"WHATSAPP_GATEWAY_NUMBER_RATE": "10000", "WHATSAPP_GATEWAY_PAIR_BURST": "10000"}


class NeverCame(ExpectedError):
    """Some echoes were not received in time; the message says how many."""


@dataclass(frozen=True)
class Echoes:
    """Median from the first webhook posted to the echo on the phone; CPU of the gateway in µs a message."""

    messages: int
    people: int
    per_second: float
    gateway_us: float
    idle_ms: float
    asked_when_idle: int


async def measure(messages: int, people: int, alone: int) -> Echoes:
    """`alone` messages one after the other, then `messages` at once. Raises NeverCame, HouseDown."""
    async with _house() as house, SimulatorClient(house.simulator_url) as platform:
        everybody = await create_users(house.database_url(), people)
        await platform.set_plan(_PLAN)
        await _say(platform, everybody, people, 0)  # everybody is known from now on
        await _one_by_one(platform, everybody, alone)
        used = await asyncio.to_thread(_gateway_cpu, house)
        await _say(platform, everybody, messages, people + alone)
        used = await asyncio.to_thread(_gateway_cpu, house) - used
        times = _times(await platform.oracle())
    idle, drained = times[people : people + alone], times[people + alone :]
    seconds = max(end for _, end in drained) - min(start for start, _ in drained)
    return Echoes(
        messages,
        people,
        per_second=round(messages / seconds),
        gateway_us=round(used / messages * 1e6),
        idle_ms=round(statistics.median(end - start for start, end in idle) * 1000, 1),
        asked_when_idle=alone,
    )


async def _one_by_one(platform: SimulatorClient, people: Sequence[SimulatedUser], times: int) -> None:
    received = (await platform.counts())["received"]
    for number in range(times):
        await _say(platform, [people[number % len(people)]], 1, received + number)
        await asyncio.sleep(0.2)  # statuses and the log come after the echo; then it is idle again


async def _say(platform: SimulatorClient, people: Sequence[SimulatedUser], count: int, received: int) -> None:
    said = [{"number": people[n % len(people)].number, "text": f"message {next(_nth)}"} for n in range(count)]
    await platform.send_messages(said)
    deadline = time.monotonic() + PATIENCE
    while (tally := await platform.counts())["received"] < received + count:
        if time.monotonic() > deadline:
            raise NeverCame(f"{received + count - tally['received']} of {count} echoes did not come")
        await asyncio.sleep(0.05)


def _times(oracle: dict[str, Any]) -> list[tuple[float, float]]:
    """When each message was first posted and when its echo was received, in the order of writing."""
    echoed = {one["answers"]: one["at"] for one in oracle["received"]}
    # Postings are told by the machine's steady clock, what a phone received by the wall's.
    apart = time.time() - time.monotonic()
    return [(one["postings"][0]["posted_at"] + apart, echoed[one["id"]]) for one in oracle["inbound"]]


def _gateway_cpu(house: Stack) -> float:
    return cpu(psutil.Process(house.pid("whatsapp-gateway")))


@asynccontextmanager
async def _house() -> AsyncIterator[Stack]:
    folder = scratch()
    house = Stack(folder, free_base_port(), _VARIABLES)
    try:
        await asyncio.to_thread(house.start)
        yield house
    finally:
        await asyncio.to_thread(house.stop)
        house.delete_data()
        shutil.rmtree(folder, ignore_errors=True)
