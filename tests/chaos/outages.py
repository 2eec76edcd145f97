"""Outages that a run goes through besides kills: each begins, lasts, and ends."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping

from ava_local.stack.control import Stack, StackNotRunning
from chaos.proxies import Proxies
from chaos.simulator_client import SimulatorClient

FEW_PLACES = 2
POLL_SECONDS = 0.1
MAX_ATTEMPTS = 50
SECONDS = 5.0
BEYOND_THE_LEASE_SECONDS = 13.0
"""Longer than the lease of a run (10 s), shorter than what another worker waits for a word (20 s)."""

Outage = Callable[[], Awaitable[None]]


def kill_when_ready(stack: Stack, target: str, signal_number: signal.Signals = signal.SIGKILL) -> None:
    """Once, for certain: it may exit by itself between being seen ready and being sent the signal."""
    for _ in range(MAX_ATTEMPTS):
        stack.wait_ready(target)
        try:
            stack.kill(target, signal_number)
        except (ProcessLookupError, StackNotRunning):
            time.sleep(POLL_SECONDS)
        else:
            return
    raise StackNotRunning(f"{target} keeps crashing before it can be sent a signal")


def outages(
    stack: Stack, simulator: SimulatorClient, proxies: Proxies, graph_away_seconds: float
) -> Mapping[str, Outage]:
    """Each kind of outage by its name, from its beginning to its end."""

    async def full_pooler() -> None:
        front = proxies.database
        front.places, front.refuse = FEW_PLACES, "XX000"
        front.cut()
        await asyncio.sleep(SECONDS)
        front.refuse = None

    async def pages_from_services() -> None:
        for proxy in proxies.services.values():
            proxy.show_pages(True)
        await asyncio.sleep(SECONDS)
        for proxy in proxies.services.values():
            proxy.show_pages(False)

    async def graph_away() -> None:
        await simulator.set_plan({"away": True})
        await asyncio.sleep(graph_away_seconds)
        await simulator.set_plan({"away": False})

    async def gateway_stands_still() -> None:
        await asyncio.to_thread(kill_when_ready, stack, "whatsapp-gateway", signal.SIGSTOP)
        await asyncio.sleep(BEYOND_THE_LEASE_SECONDS)
        await asyncio.to_thread(stack.kill, "whatsapp-gateway", signal.SIGCONT)

    async def database_restarts() -> None:
        await asyncio.to_thread(kill_when_ready, stack, "postgres", signal.SIGQUIT)

    every = (full_pooler, pages_from_services, graph_away, gateway_stands_still, database_restarts)
    return {outage.__name__.replace("_", " "): outage for outage in every}
