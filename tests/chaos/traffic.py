"""The messages users send, and the rate they are sent at."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

from chaos.link_changes import LinkChanges
from chaos.options import Options
from chaos.simulated_users import SimulatedUser
from chaos.simulator_client import SimulatorClient

CHUNK_SECONDS = 0.25


def messages(options: Options, users: Sequence[SimulatedUser], now: int) -> list[dict[str, Any]]:
    """All messages in rounds, one from each user per round; timestamps end just before `now`."""
    each = -(-options.messages // len(users))
    began = now - each - 1
    turns = ((nth, user) for nth in range(each) for user in users)
    sent = [{"number": user.number, "text": user.text(nth), "timestamp": began + nth} for nth, user in turns]
    return sent[: options.messages]


async def send_messages(
    options: Options, users: Sequence[SimulatedUser], simulator: SimulatorClient, changes: LinkChanges
) -> dict[str, float]:
    """Send all of them at the chosen rate, from the numbers of the moment; when each text was sent."""
    sent_at: dict[str, float] = {}
    for chunk in _chunks(
        messages(options, users, int(time.time())), max(1, round(options.rate * CHUNK_SECONDS))
    ):
        async with changes.sending:
            sent_at |= {message["text"]: time.monotonic() for message in chunk}
            today = [m | {"number": changes.numbers.get(m["number"], m["number"])} for m in chunk]
            await simulator.send_messages(today)
        await asyncio.sleep(CHUNK_SECONDS)
    return sent_at


def index_of(text: str) -> int:
    """Which user's text this is."""
    return int(text.rpartition(" ")[2])


def _chunks(messages: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(messages), size):
        yield messages[start : start + size]
