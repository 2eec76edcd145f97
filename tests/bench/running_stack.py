"""A whole stack for benchmarks, and what its processes use."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import psutil

from ava_local.ports import free_base_port
from ava_local.postgres.cluster import Cluster
from ava_local.stack.control import Stack
from bench.benchmark_setup import scratch
from bench.servers import cpu
from chaos.simulated_users import SimulatedUser, create_users
from chaos.simulator_client import SimulatorClient

# Our own rate limits are not what is measured here.
VARIABLES = {"WHATSAPP_GATEWAY_NUMBER_RATE": "10000", "WHATSAPP_GATEWAY_PAIR_BURST": "10000"}
OURS = "ours"
SERVICES = ("auth", "profile", "messaging", "whatsapp-gateway")


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


class WholeStack:
    """Ours: all services, with Caddy before them. The simulator and Caddy do not count."""

    name = OURS

    def __init__(self, stack: Stack, users: Sequence[SimulatedUser]) -> None:
        self.stack, self.users = stack, users
        self.cluster = Cluster(stack.layout.state_dir / "postgres", stack.layout.port_of("postgres"))
        self.simulator = SimulatorClient(stack.simulator_url)

    def cpu(self) -> dict[str, float]:
        """Seconds used so far by each process."""
        return {name: cpu_seconds(self.stack, name) for name in (*SERVICES, "postgres")}


@asynccontextmanager
async def whole_stack(users: int) -> AsyncIterator[WholeStack]:
    """For all parts of one run, with so many users."""
    async with running_stack(VARIABLES) as stack:
        whole = WholeStack(stack, await create_users(stack.database_url(), users))
        async with whole.simulator:
            yield whole


def family(stack: Stack, process: str) -> list[psutil.Process]:
    """A process of the stack and all that it has started."""
    first = psutil.Process(stack.pid(process))
    return [first, *first.children(recursive=True)]


def cpu_seconds(stack: Stack, process: str) -> float:
    """CPU used so far by a process of the stack and its children."""
    total = 0.0
    for one in family(stack, process):
        try:
            total += cpu(one)
        except psutil.NoSuchProcess:  # counted by its parent from now on
            continue
    return total
