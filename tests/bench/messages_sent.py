"""Messages from simulated phones and their echoes: sent at once, or at a fixed rate whatever comes back."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Any

from ava_local.expected_error import ExpectedError
from bench.comparison import percentile
from chaos.simulated_users import SimulatedUser
from chaos.simulator_client import SimulatorClient

ECHO_TIMEOUT_SECONDS = 600.0
# The simulator's own rate limit is not what is measured here.
PLAN = {"pair_rate": {"enabled": False}, "delivery": {"batch": 50}}
STATUSES_PER_MESSAGE = 2
_nth = itertools.count(1)


class EchoesMissing(ExpectedError):
    """Some echoes were not received in time; the message says how many."""


async def send(simulator: SimulatorClient, users: Sequence[SimulatedUser], count: int) -> float:
    """So many messages at once, from all users in turn; the seconds until the last echo was received."""
    received, began = (await simulator.counts())["received"], time.monotonic()
    await simulator.send_messages([_message(users[number % len(users)]) for number in range(count)])
    await received_in_all(simulator, received + count)
    return time.monotonic() - began


async def received_in_all(simulator: SimulatorClient, count: int) -> None:
    """Wait until phones have received so many. Raises EchoesMissing."""
    deadline = time.monotonic() + ECHO_TIMEOUT_SECONDS
    while (received := (await simulator.counts())["received"]) < count:
        if time.monotonic() > deadline:
            raise EchoesMissing(f"{count - received} echoes did not arrive")
        await asyncio.sleep(pause(count - received))


def pause(missing: int) -> float:
    """Seconds until it is asked again: asking costs the cores that are measured."""
    return min(0.2, max(0.02, missing / 1000))


async def settled(simulator: SimulatorClient) -> None:
    """Wait until all webhooks, statuses included, were acknowledged, and a moment for what they cause."""
    deadline = time.monotonic() + ECHO_TIMEOUT_SECONDS
    waiting = True
    while waiting and time.monotonic() < deadline:
        await asyncio.sleep(0.3)
        waiting = await simulator.pending_count() > 0
    await asyncio.sleep(0.3)


async def one_by_one(simulator: SimulatorClient, users: Sequence[SimulatedUser], count: int) -> list[float]:
    """Seconds from the posting of each webhook to its echo, when nothing else happens."""
    known = len((await simulator.oracle())["inbound"])
    for number in range(count):
        await send(simulator, [users[number % len(users)]], 1)
        await asyncio.sleep(0.2)  # statuses and the log come after the echo; then it is idle again
    oracle = await simulator.oracle()
    echoed = _echoed(oracle)
    # Webhook times are from the monotonic clock, times on the phone from the wall clock.
    apart = time.time() - time.monotonic()
    return [echoed[one["id"]] - one["postings"][0]["posted_at"] - apart for one in oracle["inbound"][known:]]


async def offered(
    simulator: SimulatorClient, users: Sequence[SimulatedUser], per_second: int, seconds: float
) -> dict[str, Any]:
    """Offer a fixed rate. A latency counts from when a message was due, so that delays hide nothing."""
    count, received = max(1, round(per_second * seconds)), (await simulator.counts())["received"]
    messages = [_message(users[number % len(users)]) for number in range(count)]
    began, wall = time.monotonic(), time.time()
    sending = []
    for number, message in enumerate(messages):
        await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
        sending.append(asyncio.create_task(simulator.send_messages([message])))
    await asyncio.gather(*sending)
    await received_in_all(simulator, received + count)
    oracle = await simulator.oracle()
    due = {message["text"]: wall + number / per_second for number, message in enumerate(messages)}
    echoed = _echoed(oracle)
    found = [(one["id"], due[one["text"]]) for one in oracle["inbound"] if one["text"] in due]
    latencies = sorted((echoed[wamid] - when) * 1000 for wamid, when in found)
    p50, p99 = (round(percentile(latencies, share), 1) for share in (0.5, 0.99))
    return {"offered_per_second": per_second, "p50_ms": p50, "p99_ms": p99, "max_ms": round(latencies[-1], 1)}


def _echoed(oracle: dict[str, Any]) -> dict[str, float]:
    """When the echo of each message was received."""
    return {one["answers"]: one["at"] for one in oracle["received"]}


def _message(user: SimulatedUser) -> dict[str, str]:
    return {"number": user.number, "text": f"message {next(_nth)}"}
