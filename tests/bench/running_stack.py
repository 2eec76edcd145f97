"""A whole stack for a benchmark, and what its processes use."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import psutil

from ava_local.ports import free_base_port
from ava_local.stack.control import Stack
from bench.benchmark_setup import scratch
from bench.servers import cpu

# Our own rate limits are not what is measured here.
VARIABLES = {"WHATSAPP_GATEWAY_NUMBER_RATE": "10000", "WHATSAPP_GATEWAY_PAIR_BURST": "10000"}
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
