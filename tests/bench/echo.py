"""Benchmark: from webhook to echo through the whole stack, next to what people would write instead."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from bench import messages_sent, written_ahead
from bench.benchmark_setup import prepared
from bench.pipelines import NAIVE, RAW, Pipeline, naive, raw
from bench.results import Found, Table, at_least, at_most, shown
from bench.running_stack import OURS, WholeStack
from bench.size import Size


@dataclass(frozen=True)
class Drained:
    """What so many messages at once cost; per message, statuses included."""

    per_second: float
    cpu_ms: float
    commits: float
    wal_kb: float
    shares: dict[str, float]
    """CPU in ms of each process."""


async def measure(ours: WholeStack, size: Size) -> Found:
    """Ours alone, idle and at fixed rates, before others are started; then rounds of all in turn."""
    await _make_known(ours, size)
    await _drain(ours, size.echoes)  # connections are open and plans kept from now on
    idle = await messages_sent.one_by_one(ours.simulator, ours.users, size.alone)
    rates = [
        await messages_sent.offered(ours.simulator, ours.users, rate, size.offered_seconds)
        for rate in size.offered
    ]
    async with AsyncExitStack() as entered:
        setup = await entered.enter_async_context(prepared())
        others = [await entered.enter_async_context(one(setup, size.users)) for one in (raw, naive)]
        for other in others:
            await _make_known(other, size)
        pipelines: list[WholeStack | Pipeline] = [ours, *others]
        drained: dict[str, list[Drained]] = {one.name: [] for one in pipelines}
        for number in range(size.rounds):
            for one in pipelines if number % 2 == 0 else reversed(pipelines):
                drained[one.name].append(await _drain(one, size.echoes))
        lost = await others[1].lose_some(size.echoes)
    return _found(drained, idle, rates, lost)


async def _make_known(pipeline: WholeStack | Pipeline, size: Size) -> None:
    """Every user writes once."""
    await pipeline.simulator.set_plan(messages_sent.PLAN)
    await messages_sent.send(pipeline.simulator, pipeline.users, size.users)


async def _drain(pipeline: WholeStack | Pipeline, count: int) -> Drained:
    cluster = pipeline.cluster
    await messages_sent.settled(pipeline.simulator)
    before, start = pipeline.cpu(), await written_ahead.position(cluster)
    try:
        seconds = await messages_sent.send(pipeline.simulator, pipeline.users, count)
    except messages_sent.EchoesMissing as missing:
        raise messages_sent.EchoesMissing(f"{pipeline.name}: {missing}") from None
    await messages_sent.settled(pipeline.simulator)
    after, end = pipeline.cpu(), await written_ahead.position(cluster)
    commits, bytes_ = await asyncio.to_thread(written_ahead.between, cluster, start, end)
    shares = {name: round((after[name] - used) / count * 1000, 2) for name, used in before.items()}
    return Drained(count / seconds, sum(shares.values()), commits / count, bytes_ / count / 1024, shares)


def _found(
    drained: dict[str, list[Drained]], idle: list[float], rates: list[dict[str, Any]], lost: int
) -> Found:
    ours, others = drained[OURS], drained[NAIVE]
    faster = [one.per_second / other.per_second for one, other in zip(ours, others, strict=True)]
    to_limit = [one.per_second / most.per_second for one, most in zip(ours, drained[RAW], strict=True)]
    return Found(
        [
            at_most("echo, CPU ms a message", 5, [one.cpu_ms for one in ours]),
            at_most("echo, commits a message", 4, [one.commits for one in ours]),
            at_most("echo, KB of WAL a message", 8, [one.wal_kb for one in ours]),
            at_least("echo, messages a second", 150, [one.per_second for one in ours]),
            at_least("echo ÷ naive httpx pipeline", 2, faster),
            shown("echo ÷ raw sockets", to_limit),
            at_most("echo when idle, ms", 15, [seconds * 1000 for seconds in idle]),
            shown("messages that the naive pipeline lost when killed", [lost]),
        ],
        [
            Table(
                "From webhook to echo; CPU in ms a message, simulator and Caddy not counted",
                [_row(name, rounds) for name, rounds in drained.items()],
            ),
            Table("Offered at a fixed rate; latencies from when each message was due", rates),
        ],
    )


def _row(name: str, rounds: Sequence[Drained]) -> dict[str, Any]:
    """The round in the middle."""
    one = sorted(rounds, key=lambda drained: drained.per_second)[len(rounds) // 2]
    parts = ", ".join(f"{process} {ms}" for process, ms in one.shares.items())
    return {
        "name": name, "per_second": round(one.per_second), "cpu_ms": round(one.cpu_ms, 2),
        "commits": round(one.commits, 2), "wal_kb": round(one.wal_kb, 1), "of_which": parts,
    }  # fmt: skip
