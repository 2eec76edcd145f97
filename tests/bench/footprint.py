"""Benchmark: memory of the processes of production, and of the whole local stack, after it has answered."""

from typing import Any

import psutil

from ava_local.stack.control import Stack
from bench import messages_sent
from bench.results import Found, Table, at_most
from bench.running_stack import SERVICES, WholeStack, family
from bench.size import Size

PRODUCTION = (*SERVICES, "caddy")
LOCAL = (*PRODUCTION, "postgres", "supabase-auth", "whatsapp-simulator")


async def measure(ours: WholeStack, size: Size) -> Found:
    """The proportional set size: what processes share is counted once."""
    await ours.simulator.set_plan(messages_sent.PLAN)
    await messages_sent.send(ours.simulator, ours.users, size.users)
    await messages_sent.settled(ours.simulator)
    rows = [_row(ours.stack, name) for name in LOCAL]
    status = ours.stack.status()
    assert status is not None
    rows.append({"name": "supervisor", **_memory([psutil.Process(status.pid)])})
    production = sum(row["pss_mb"] for row in rows if row["name"] in PRODUCTION)
    return Found(
        [
            at_most("memory of the five production processes, MB", 263, [production]),
            at_most("memory of the whole local stack, MB", 470, [sum(row["pss_mb"] for row in rows)]),
        ],
        [Table("Memory after a message of each user", rows)],
    )


def _row(stack: Stack, name: str) -> dict[str, Any]:
    return {"name": name, **_memory(family(stack, name))}


def _memory(processes: list[psutil.Process]) -> dict[str, float]:
    found = [process.memory_full_info() for process in processes]
    megabytes = {
        "pss_mb": sum(one.pss for one in found) / 2**20, "uss_mb": sum(one.uss for one in found) / 2**20,
        "rss_mb": sum(one.rss for one in found) / 2**20,
    }  # fmt: skip
    return {name: round(value, 1) for name, value in megabytes.items()}
