"""Pipelines that people would write instead: each with a simulator and a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from bench import messages_sent
from bench.benchmark_setup import BenchmarkSetup
from bench.servers import Server, database_cpu, simulator_process
from chaos.simulated_users import SimulatedUser, create_users
from chaos.simulator_client import SimulatorClient

RAW, NAIVE = "raw sockets + asyncpg (limit)", "naive httpx pipeline"
SECRET = "the-app-secret-of-the-benchmark"
_TABLES = """
create schema bench;
create table bench.deliveries (id bigint generated always as identity primary key, body bytea not null);
create table bench.outbox (
  id uuid primary key, key text not null unique, body text not null,
  wamid text, status text, status_rank integer);
create index on bench.outbox (wamid);
create table bench.log (
  id uuid primary key default gen_random_uuid(), phone text not null, role text not null,
  content text not null, external_id text unique,
  created_at timestamptz not null default clock_timestamp());
create index on bench.log (phone, created_at);
grant usage on schema bench to ava_whatsapp_gateway;
grant all on all tables in schema bench to ava_whatsapp_gateway;
"""


@dataclass(frozen=True)
class Pipeline:
    """One program of others, with what it asks; `cluster` is PostgreSQL, counted too."""

    name: str
    server: Server
    simulator: SimulatorClient
    users: Sequence[SimulatedUser]
    cluster: Cluster

    def cpu(self) -> dict[str, float]:
        return {"program": self.server.cpu(), "postgres": database_cpu(self.cluster)}

    async def lose_some(self, count: int) -> int:
        """Kill it once half of the echoes were received, start it again; echoes that never come."""
        before = await self.simulator.counts()
        users = [self.users[number % len(self.users)] for number in range(count)]
        texts = [{"number": user.number, "text": f"in danger {n}"} for n, user in enumerate(users)]
        await self.simulator.send_messages(texts)
        await messages_sent.received_in_all(self.simulator, before["received"] + max(1, count // 2))
        await asyncio.to_thread(self.server.restart)
        await messages_sent.settled(self.simulator)
        received = -1
        while received != (now := (await self.simulator.counts())["received"]):
            received = now
            await asyncio.sleep(1.0)
        return int(before["received"]) + count - received


@asynccontextmanager
async def raw(setup: BenchmarkSetup, users: int) -> AsyncIterator[Pipeline]:
    """The limit: raw sockets and asyncpg, each step as durable as ours, in one program."""
    async with _pipeline(RAW, "bench.rivals.raw_pipeline", (), setup, users) as made:
        yield made


@asynccontextmanager
async def naive(setup: BenchmarkSetup, users: int) -> AsyncIterator[Pipeline]:
    """FastAPI, background tasks, one httpx client, and the log behind another FastAPI service."""
    behind = ("bench.rivals.naive_log:app",)
    async with _pipeline(NAIVE, "bench.rivals.naive_pipeline:app", behind, setup, users) as made:
        yield made


@asynccontextmanager
async def _pipeline(
    name: str, program: str, behind: Sequence[str], setup: BenchmarkSetup, users: int
) -> AsyncIterator[Pipeline]:
    database = await setup.database(program.replace(":", ".").split(".")[2])
    for statement in _TABLES.split(";\n"):
        await database.admin(statement)
    simulator_port, url = free_port(), database.url("ava_whatsapp_gateway")
    variables = {
        "BENCH_APP_SECRET": SECRET, "BENCH_DATABASE_URL": url,
        "BENCH_GRAPH_PORT": str(simulator_port),
    }  # fmt: skip
    async with AsyncExitStack() as entered:
        asked = []
        for one in behind:
            server = Server(one, setup.folder, variables)
            entered.callback(server.stop)
            asked.append(server)
            variables["BENCH_LOG_URL"] = server.url
        server = Server(program, setup.folder, variables, behind=asked)
        entered.callback(server.stop)
        entered.enter_context(simulator_process(setup.folder, simulator_port, server.port, SECRET))
        simulator = await entered.enter_async_context(SimulatorClient(f"http://127.0.0.1:{simulator_port}"))
        people = await create_users(database.url("supabase_admin"), users)
        yield Pipeline(name, server, simulator, people, setup.cluster)
