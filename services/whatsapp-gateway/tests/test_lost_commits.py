"""What a crash of the database loses is done again, once. Decisions 0169 and 0181."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from uuid import UUID

import psutil
import pytest_asyncio

from ava_local.postgres.cluster import Cluster
from ava_local.testing.databases import Database, migrated_template, temporary_cluster
from ava_local.testing.waiting import eventually
from ava_whatsapp_gateway.queue import lanes
from ava_whatsapp_gateway.queue.states import EventState

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers
from .waiting import works

PHONE = "4915112345678"
_SAID = """
insert into public.messages (id, user_id, channel, role, content, external_id)
values ($1, $2, 'whatsapp', 'user', $3, $4)
"""


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
    assert await gateway.pool.fetchval("select sum(cardinality(delivery_ids)) from whatsapp.arrivals") == 1
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


async def note_owner(gateway: Gateway, event: lanes.Event, user_id: UUID) -> None:
    await lanes.note_owner(gateway.writes, event, user_id, gateway.settings.lease_seconds)


async def claimed_behind_another(gateway: Gateway, database: Database) -> lanes.Event:
    """An event of a known person; from its ingest on nothing is written behind."""
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    await gateway.keep(meta.text(body="two"))
    stop_writing_behind(database.cluster)
    await gateway.ingest()
    [lane] = await gateway.claim()
    [event] = lane.events
    return event


async def test_the_logs_commit_carries_whose_an_event_is(
    gateway: Gateway, database: Database, person: UUID
) -> None:
    event = await claimed_behind_another(gateway, database)
    await note_owner(gateway, event, person)
    await database.admin(_SAID, event.turn_id, person, event.words, event.key)
    crash(database.cluster)
    assert await database.admin("select id from public.messages")
    [row] = await database.admin("select user_id from whatsapp.events where id = $1", event.id)
    assert row["user_id"] == person


async def test_without_a_commit_of_the_log_nobody_was_told_whose_it_is(
    gateway: Gateway, database: Database, peers: FakePeers, person: UUID
) -> None:
    event = await claimed_behind_another(gateway, database)
    await note_owner(gateway, event, person)
    crash(database.cluster)
    await eventually(lambda: works(gateway.pool))
    assert [state for _, state in await gateway.states()] == ["done"]
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "two"]
    assert [turn["content"] for turn in peers.log] == ["one", "one", "two", "two"]


async def test_what_shares_a_statement_with_what_must_be_kept_is_kept(
    gateway: Gateway, database: Database, person: UUID
) -> None:
    event = await claimed_behind_another(gateway, database)
    await gateway.keep(meta.text("4915100000001"))
    await gateway.ingest()
    [other] = [lane.events[0] for lane in await gateway.claim()]
    ended = lanes.finish(gateway.writes, other, EventState.DONE, None, gateway.settings.lease_seconds)
    await asyncio.gather(note_owner(gateway, event, person), ended)
    crash(database.cluster)
    rows = await database.admin("select user_id, state from whatsapp.events where words <> 'one' order by id")
    assert [(row["user_id"], row["state"]) for row in rows] == [(person, "ready"), (None, "done")]
