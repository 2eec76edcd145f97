"""Benchmark: through the whole stack, how many messages per second, and how long one takes when idle."""

import asyncio
import itertools
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from ava_local.expected_error import ExpectedError
from ava_local.ports import free_base_port
from ava_local.stack.control import Stack
from bench.benchmark_setup import scratch
from bench.servers import cpu
from chaos.simulated_users import SimulatedUser, create_users
from chaos.simulator_client import SimulatorClient

ECHO_TIMEOUT_SECONDS = 120.0
_nth = itertools.count(1)
# The simulator's own rate limit is not what is measured here.
PLAN = {"pair_rate": {"enabled": False}, "delivery": {"batch": 50}}
VARIABLES = {"WHATSAPP_GATEWAY_NUMBER_RATE": "10000", "WHATSAPP_GATEWAY_PAIR_BURST": "10000"}


class EchoesMissing(ExpectedError):
    """Some echoes were not received in time; the message says how many."""


@dataclass(frozen=True)
class Echoes:
    """Median time from the webhook to the echo on the phone; gateway CPU in µs per message."""

    messages: int
    users: int
    per_second: float
    gateway_us: float
    idle_ms: float
    asked_when_idle: int


async def measure(messages: int, user_count: int, alone: int) -> Echoes:
    """Send `alone` messages one by one, then `messages` at once. Raises EchoesMissing, StackNotRunning."""
    async with running_stack(VARIABLES) as stack, SimulatorClient(stack.simulator_url) as simulator:
        users = await create_users(stack.database_url(), user_count)
        await simulator.set_plan(PLAN)
        await send(simulator, users, user_count, 0)  # all users are known to the gateway from now on
        await _one_by_one(simulator, users, alone)
        used = await asyncio.to_thread(_gateway_cpu, stack)
        await send(simulator, users, messages, user_count + alone)
        used = await asyncio.to_thread(_gateway_cpu, stack) - used
        times = _times(await simulator.oracle())
    idle, drained = times[user_count : user_count + alone], times[user_count + alone :]
    seconds = max(end for _, end in drained) - min(start for start, _ in drained)
    return Echoes(
        messages,
        user_count,
        per_second=round(messages / seconds),
        gateway_us=round(used / messages * 1e6),
        idle_ms=round(statistics.median(end - start for start, end in idle) * 1000, 1),
        asked_when_idle=alone,
    )


async def _one_by_one(simulator: SimulatorClient, users: Sequence[SimulatedUser], times: int) -> None:
    received = (await simulator.counts())["received"]
    for number in range(times):
        await send(simulator, [users[number % len(users)]], 1, received + number)
        await asyncio.sleep(0.2)  # statuses and the log come after the echo; then it is idle again


async def send(simulator: SimulatorClient, users: Sequence[SimulatedUser], count: int, received: int) -> None:
    messages = [
        {"number": users[n % len(users)].number, "text": f"message {next(_nth)}"} for n in range(count)
    ]
    await simulator.send_messages(messages)
    deadline = time.monotonic() + ECHO_TIMEOUT_SECONDS
    while (counts := await simulator.counts())["received"] < received + count:
        if time.monotonic() > deadline:
            raise EchoesMissing(f"{received + count - counts['received']} of {count} echoes did not arrive")
        await asyncio.sleep(0.05)


def _times(oracle: dict[str, Any]) -> list[tuple[float, float]]:
    """When each message was first posted and when its echo was received, in the order of sending."""
    echoed = {one["answers"]: one["at"] for one in oracle["received"]}
    # Webhook times are from the monotonic clock, times on the phone from the wall clock.
    apart = time.time() - time.monotonic()
    return [(one["postings"][0]["posted_at"] + apart, echoed[one["id"]]) for one in oracle["inbound"]]


def _gateway_cpu(stack: Stack) -> float:
    return cpu(psutil.Process(stack.pid("whatsapp-gateway")))


@asynccontextmanager
async def running_stack(variables: Mapping[str, str]) -> AsyncIterator[Stack]:
    """A stack of its own with these variables, gone afterwards."""
    folder = scratch()
    stack = Stack(folder, free_base_port(), variables)
    try:
        await asyncio.to_thread(stack.start)
        yield stack
    finally:
        await asyncio.to_thread(stack.stop)
        stack.delete_data()
        shutil.rmtree(folder, ignore_errors=True)
