"""PostgreSQL: run by an unprivileged user, passwords only, gone with the process that started it."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

import ava_local
from ava_local.ports import free_port
from ava_local.postgres.cluster import (
    FAST_SHUTDOWN_SIGNAL,
    Cluster,
    IncompatibleDataVersion,
    PostgresStartFailed,
)
from ava_local.postgres.server_binaries import installed_binaries
from ava_local.testing.waiting import eventually

from .conftest import AS_ROOT, IS_ROOT


async def answer(cluster: Cluster, sql: str = "select 1") -> object:
    connection = await asyncpg.connect(cluster.url())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def server_of(cluster: Cluster) -> psutil.Process:
    return psutil.Process(int((cluster.data / "postmaster.pid").read_text().split()[0]))


async def test_it_answers_on_loopback_only_and_never_as_root(running: Cluster) -> None:
    assert await answer(running, "show listen_addresses") == "127.0.0.1"
    assert await answer(running, "show unix_socket_directories") == ""
    process = server_of(running)
    assert process.username() == ("nobody" if IS_ROOT else psutil.Process().username())
    assert {c.laddr.ip for c in process.net_connections() if c.status == "LISTEN"} == {"127.0.0.1"}


async def test_a_connection_needs_the_password(running: Cluster) -> None:
    for password in (None, "", "postgres", "supabase_admin"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(running.url().replace(running.password, password or ""))
    assert (running.folder / "superuser").stat().st_mode & 0o777 == 0o600
    assert running.password not in " ".join(server_of(running).cmdline())


async def test_what_was_written_is_there_after_a_stop_and_a_start(open_folder: Path) -> None:
    cluster = Cluster(open_folder / "postgres", free_port())
    cluster.start()
    await answer(cluster, "create table saved ()")
    cluster.stop()
    assert not cluster.is_ready()
    again = Cluster(open_folder / "postgres", free_port())
    again.start()
    assert await answer(again, "select count(*) from saved") == 0
    again.destroy()
    assert not again.folder.exists()


STARTER = """
import sys, time
from pathlib import Path
from ava_local.postgres.cluster import Cluster
Cluster(Path(sys.argv[1]), int(sys.argv[2]), durable=False).start()
print("ready", flush=True)
time.sleep(600)
"""


def test_it_ends_when_the_process_that_started_it_is_killed(open_folder: Path) -> None:
    cluster = Cluster(open_folder / "postgres", free_port())
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(cluster.folder), str(cluster.port)], stdout=subprocess.PIPE
    )
    assert starter.stdout
    assert starter.stdout.readline() == b"ready\n"
    server = server_of(cluster)
    starter.kill()
    starter.communicate()
    _, alive = psutil.wait_procs([server], timeout=60)
    assert alive == []
    assert not cluster.is_ready()


async def test_a_kill_of_the_server_loses_nothing_that_was_committed(open_folder: Path) -> None:
    cluster = Cluster(open_folder / "postgres", free_port())
    cluster.start()
    await answer(cluster, "create table saved ()")
    server_of(cluster).send_signal(signal.SIGKILL)
    await eventually(lambda: not cluster.is_ready())
    cluster.stop()
    cluster.start()
    assert await answer(cluster, "select count(*) from saved") == 0
    cluster.destroy()


async def test_it_stops_although_a_client_is_still_connected(running: Cluster) -> None:
    connection = await asyncpg.connect(running.url())
    server = server_of(running)
    server.send_signal(FAST_SHUTDOWN_SIGNAL)
    _, alive = psutil.wait_procs([server], timeout=60)
    assert alive == []
    connection.terminate()


def test_a_half_created_data_folder_is_created_again(open_folder: Path) -> None:
    cluster = Cluster(open_folder / "postgres", free_port(), durable=False)
    arriving = cluster.data.with_name("data.arriving")
    arriving.mkdir()
    (arriving / "PG_VERSION").write_text("18\n")
    cluster.start()
    assert not arriving.exists()
    cluster.destroy()


def test_data_of_another_version_is_left_alone_and_named(open_folder: Path) -> None:
    cluster = Cluster(open_folder / "postgres", free_port(), durable=False)
    cluster.data.mkdir()
    (cluster.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(IncompatibleDataVersion, match=r"17.*18.*reset"):
        cluster.create()
    assert [file.name for file in cluster.data.iterdir()] == ["PG_VERSION"]


def test_a_port_in_use_is_reported_in_the_servers_own_words(running: Cluster, open_folder: Path) -> None:
    with pytest.raises(PostgresStartFailed, match="Address already in use"):
        Cluster(open_folder / "second", running.port, durable=False).start()


@AS_ROOT
def test_a_regular_user_runs_it_as_themselves(open_folder: Path) -> None:
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("NOT TESTED: no Python that the user nobody can run")
    installed = installed_binaries(18)
    assert installed
    (open_folder / "theirs").mkdir()
    shutil.chown(open_folder / "theirs", "nobody")
    # As if they had installed it themselves: this repository may be in a folder closed to them.
    package, programs = Path(ava_local.__file__ or "").parent, installed.parents[1]
    for part in (package, programs, programs.with_name(f"{programs.name}.libs")):
        shutil.copytree(part, open_folder / "packages" / part.name)
    program = STARTER.replace("time.sleep(600)", "")
    result = subprocess.run(
        [python, "-c", program, open_folder / "theirs" / "postgres", str(free_port())],
        env={"PYTHONPATH": str(open_folder / "packages")},
        user="nobody", group="nogroup", extra_groups=[], cwd="/",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.stdout == "ready\n", result.stderr
