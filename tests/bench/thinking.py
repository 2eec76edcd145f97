"""Benchmark: many users whose answers take long; what that costs the gateway in memory and connections."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field

import asyncpg
import psutil

from ava_local.stack.control import Stack
from bench.messages_sent import PLAN, EchoesMissing
from bench.results import Table
from bench.running_stack import VARIABLES, running_stack
from bench.servers import cpu
from chaos.simulated_users import create_users
from chaos.simulator_client import SimulatorClient

_CONNECTIONS = """
select count(*) as open, count(*) filter (where state <> 'idle') as working
from pg_stat_activity where application_name = 'whatsapp-gateway'
"""
_SAMPLE_SECONDS = 0.5


@dataclass(frozen=True)
class Thoughts:
    """Memory in MB, CPU of the gateway in ms a user; `asked`: questions to the answerer in all."""

    users: int
    thought_seconds: float
    seconds: float
    asked: int
    most_at_once: int
    idle_mb: int
    most_mb: int
    gateway_ms: float
    database_connections: int
    database_at_work: int


@dataclass
class _SlowAnswerer:
    """Answers every question after so many seconds."""

    seconds: float
    asked: int = 0
    thinking: int = 0
    most_at_once: int = 0
    url: str = field(default="")

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").lower().split("\r\n")
                [length] = [line.split(":")[1] for line in lines if line.startswith("content-length:")]
                question = json.loads(await reader.readexactly(int(length)))
                await self._think()
                answer = json.dumps({"text": f"about {question['turn']['text']}"}).encode()
                start = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}"
                writer.write(start.encode() + b"\r\n\r\n" + answer)
        writer.close()

    async def _think(self) -> None:
        self.asked += 1
        self.thinking += 1
        self.most_at_once = max(self.most_at_once, self.thinking)
        await asyncio.sleep(self.seconds)
        self.thinking -= 1


@asynccontextmanager
async def _slow_answerer(seconds: float) -> AsyncIterator[_SlowAnswerer]:
    made = _SlowAnswerer(seconds)
    server = await asyncio.start_server(made.converse, "127.0.0.1", 0, backlog=1024)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()


async def measure(user_count: int, thought_seconds: float) -> Table:
    """One message of each user at once. Raises EchoesMissing when answers do not arrive in time."""
    async with _slow_answerer(thought_seconds) as answerer:
        own = {"ANSWER_URL": answerer.url, "ANSWER_SECRET": "of-the-benchmark-alone"}
        variables = {**VARIABLES, **{f"WHATSAPP_GATEWAY_{name}": value for name, value in own.items()}}
        async with running_stack(variables) as stack, SimulatorClient(stack.simulator_url) as simulator:
            users = await create_users(stack.database_url(), user_count)
            await simulator.set_plan(PLAN)
            gateway = psutil.Process(stack.pid("whatsapp-gateway"))
            idle, used, began = gateway.memory_info().rss, cpu(gateway), time.monotonic()
            await simulator.send_messages([{"number": user.number, "text": "hello"} for user in users])
            deadline = began + 120 + 2 * thought_seconds * (1 + user_count / 256)
            most, opened, working = await _watched(stack, simulator, gateway, user_count, deadline)
            seconds = time.monotonic() - began
            used = cpu(gateway) - used
    thoughts = Thoughts(
        user_count,
        thought_seconds,
        seconds=round(seconds),
        asked=answerer.asked,
        most_at_once=answerer.most_at_once,
        idle_mb=round(idle / 2**20),
        most_mb=round(most / 2**20),
        gateway_ms=round(used / user_count * 1000, 1),
        database_connections=opened,
        database_at_work=working,
    )
    return Table("An answerer that takes its time", [asdict(thoughts)])


async def _watched(
    stack: Stack, simulator: SimulatorClient, gateway: psutil.Process, count: int, deadline: float
) -> tuple[int, int, int]:
    """The most memory and connections (open, and at work) until all answers were received."""
    most = opened = working = 0
    connection = await asyncpg.connect(stack.database_url())
    try:
        while (counts := await simulator.counts())["received"] < count:
            if time.monotonic() > deadline:
                raise EchoesMissing(f"{count - counts['received']} of {count} answers did not arrive")
            row = await connection.fetchrow(_CONNECTIONS)
            assert row is not None
            most = max(most, gateway.memory_info().rss)
            opened, working = max(opened, row["open"]), max(working, row["working"])
            await asyncio.sleep(_SAMPLE_SECONDS)
    finally:
        await connection.close()
    return most, opened, working
