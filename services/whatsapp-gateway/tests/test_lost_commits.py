"""What a crash of the database loses of ingest and claims is done again, once. Decision 0169."""

import os
import signal
from collections.abc import AsyncIterator
from uuid import UUID

import psutil
import pytest_asyncio

from ava_local.postgres.cluster import Cluster
from ava_local.testing.databases import Database, migrated_template, temporary_cluster
from ava_local.testing.waiting import eventually

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers
from .waiting import works

PHONE = "4915112345678"


@pytest_asyncio.fixture(loop_scope="session")
async def database(processes: None) -> AsyncIterator[Database]:
    """On a server that keeps what it has acknowledged, unlike the other tests'."""
    with temporary_cluster(durable=True) as server:
        yield await migrated_template(server)


def server_processes(server: Cluster) -> list[psutil.Process]:
    postmaster = psutil.Process(int((server.data / "postmaster.pid").read_text("utf-8").split()[0]))
    return [postmaster, *postmaster.children()]


def stop_writing_behind(server: Cluster) -> None:
    """What does not wait for the disk is lost in a crash from now on."""
    [writer] = [one for one in server_processes(server) if "walwriter" in " ".join(one.cmdline())]
    os.kill(writer.pid, signal.SIGSTOP)


def crash(server: Cluster) -> None:
    """Every process at once, as when the machine's power is cut; then it recovers."""
    for process in server_processes(server):
        os.kill(process.pid, signal.SIGKILL)
    server.stop()
    server.start()


async def test_what_a_crash_of_the_database_loses_is_done_again(
    gateway: Gateway, database: Database, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    stop_writing_behind(database.cluster)
    await gateway.ingest()
    claimed = await gateway.claim()
    assert [len(lane.events) for lane in claimed] == [2]
    crash(database.cluster)
    await eventually(lambda: works(gateway.pool))
    assert await gateway.states() == []
    assert await gateway.pool.fetchval("select state from whatsapp.deliveries") == "new"
    for lane in claimed:  # its worker has not noticed anything
        await gateway.run(lane)
    assert (peers.sent, peers.log) == ([], [])
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "two"]
    assert [turn["content"] for turn in peers.log if turn["role"] == "user"] == ["one", "two"]


async def test_what_was_said_about_a_call_is_kept_by_a_crash(
    gateway: Gateway, database: Database, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(meta.text(body="one"))
    stop_writing_behind(database.cluster)
    await gateway.drain()
    crash(database.cluster)
    rows = await database.admin("select state, wamid is not null as sent from whatsapp.outbox")
    assert [(row["state"], row["sent"]) for row in rows] == [("accepted", True)]
    await gateway.drain()
    assert peers.phones[PHONE] == ["one"]
