"""Our own PostgreSQL: unprivileged, passwords only, gone with its starter, at home in a closed house too."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from ava_local.lodging import NoPlaceForPostgres, NoPostgres, binaries, home
from ava_local.postgres import STOP_SIGNAL, Cluster, DidNotStart, OtherVersion, free_port

ROOT = os.geteuid() == 0
AS_ROOT = pytest.mark.skipif(not ROOT, reason="only root must step down")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ava-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """As a person's home is: for nobody else."""
    folder = Path(tempfile.mkdtemp(prefix="ava-closed-"))
    folder.chmod(0o700)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def running(open_folder: Path) -> Iterator[Cluster]:
    made = Cluster(open_folder / "postgres", free_port(), durable=False)
    made.start()
    yield made
    made.destroy()


async def answer(cluster: Cluster, sql: str = "select 1") -> object:
    connection = await asyncpg.connect(cluster.url())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def server_of(cluster: Cluster) -> psutil.Process:
    return psutil.Process(int((cluster.data / "postmaster.pid").read_text().split()[0]))


async def test_it_answers_on_loopback_only_and_never_as_root(running):
    assert await answer(running, "show listen_addresses") == "127.0.0.1"
    assert await answer(running, "show unix_socket_directories") == ""
    process = server_of(running)
    assert process.username() == ("nobody" if ROOT else psutil.Process().username())
    assert {c.laddr.ip for c in process.net_connections() if c.status == "LISTEN"} == {"127.0.0.1"}


async def test_nobody_enters_without_the_password(running):
    for password in (None, "", "postgres", "supabase_admin"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(running.url().replace(running.password, password or ""))
    assert (running.folder / "superuser").stat().st_mode & 0o777 == 0o600
    assert running.password not in " ".join(server_of(running).cmdline())


async def test_what_was_written_is_there_after_a_stop_and_a_start(open_folder):
    cluster = Cluster(open_folder / "postgres", free_port())
    cluster.start()
    await answer(cluster, "create table kept ()")
    cluster.stop()
    assert not cluster.ready()
    again = Cluster(open_folder / "postgres", free_port())
    again.start()
    assert await answer(again, "select count(*) from kept") == 0
    again.destroy()
    assert not again.folder.exists()


STARTER = """
import sys, time
from pathlib import Path
from ava_local.postgres import Cluster
Cluster(Path(sys.argv[1]), int(sys.argv[2]), durable=False).start()
print("ready", flush=True)
time.sleep(600)
"""


def test_it_ends_when_whoever_started_it_is_killed(open_folder):
    cluster = Cluster(open_folder / "postgres", free_port())
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(cluster.folder), str(cluster.port)], stdout=subprocess.PIPE
    )
    assert starter.stdout
    assert starter.stdout.readline() == b"ready\n"
    server = server_of(cluster)
    starter.kill()
    starter.communicate()
    _, alive = psutil.wait_procs([server], timeout=30)
    assert alive == []
    assert not cluster.ready()


async def test_a_kill_of_the_server_loses_nothing_that_was_committed(open_folder):
    cluster = Cluster(open_folder / "postgres", free_port())
    cluster.start()
    await answer(cluster, "create table kept ()")
    server_of(cluster).send_signal(signal.SIGKILL)
    while cluster.ready():
        time.sleep(0.01)  # noqa: ASYNC251
    cluster.stop()
    cluster.start()
    assert await answer(cluster, "select count(*) from kept") == 0
    cluster.destroy()


async def test_it_stops_although_somebody_is_still_connected(running):
    connection = await asyncpg.connect(running.url())
    server = server_of(running)
    server.send_signal(STOP_SIGNAL)
    _, alive = psutil.wait_procs([server], timeout=30)
    assert alive == []
    connection.terminate()


def test_a_half_made_data_folder_is_made_again(open_folder):
    cluster = Cluster(open_folder / "postgres", free_port(), durable=False)
    arriving = cluster.data.with_name("data.arriving")
    arriving.mkdir()
    (arriving / "PG_VERSION").write_text("18\n")
    cluster.start()
    assert not arriving.exists()
    cluster.destroy()


def test_data_of_another_version_is_left_alone_and_named(open_folder):
    cluster = Cluster(open_folder / "postgres", free_port(), durable=False)
    cluster.data.mkdir()
    (cluster.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(OtherVersion, match=r"17.*18.*reset"):
        cluster.create()
    assert [file.name for file in cluster.data.iterdir()] == ["PG_VERSION"]


def test_a_version_that_is_not_installed_says_where_it_comes_from(open_folder):
    with pytest.raises(NoPostgres, match="PostgreSQL 9 is not on this machine"):
        Cluster(open_folder / "postgres", free_port(), version=9).create()


def test_a_taken_port_is_told_in_the_servers_own_words(running, open_folder):
    with pytest.raises(DidNotStart, match="Address already in use"):
        Cluster(open_folder / "second", running.port, durable=False).start()


@AS_ROOT
async def test_in_a_closed_folder_the_data_goes_where_nobody_may_enter(closed_folder, open_folder):
    cluster = Cluster(closed_folder / "postgres", free_port(), durable=False, aside=open_folder / "aside")
    cluster.start()
    assert await answer(cluster) == 1
    assert cluster.data.is_relative_to(open_folder / "aside")
    assert (closed_folder / "postgres" / "superuser").exists()
    assert stat_mode(closed_folder) == 0o700
    assert stat_mode(cluster.data) == 0o700
    cluster.destroy()
    assert list((open_folder / "aside").iterdir()) == []


def stat_mode(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


@AS_ROOT
def test_programs_in_a_closed_folder_are_copied_to_where_nobody_may_run_them(closed_folder, open_folder):
    installed = binaries(18)
    assert installed
    package = installed.parents[1]
    site = closed_folder / "site-packages"
    shutil.copytree(installed.parent, site / package.name / installed.parent.name, symlinks=True)
    (site / package.name / "__init__.py").touch()
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, site / libraries.name)
    program = """
import sys
from pathlib import Path
from ava_local.postgres import Cluster, free_port
cluster = Cluster(Path(sys.argv[1]), free_port(), durable=False, aside=Path(sys.argv[2]))
cluster.start()
print(cluster.command()[0])
cluster.destroy()
"""
    result = subprocess.run(
        [sys.executable, "-c", program, closed_folder / "postgres", open_folder / "aside"],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(open_folder / "aside"))
    assert not any((open_folder / "aside").iterdir())


@AS_ROOT
def test_where_there_is_no_place_at_all_it_says_what_to_do(closed_folder):
    nowhere = Path("/proc/nowhere")
    with pytest.raises(NoPlaceForPostgres, match=r"chmod o\+x.*ordinary user"):
        home(closed_folder / "postgres", nowhere)
    with pytest.raises(NoPlaceForPostgres):
        home(closed_folder / "postgres", closed_folder / "aside")
    with pytest.raises(NoPlaceForPostgres):
        Cluster(closed_folder / "postgres", free_port(), aside=nowhere).create()


@AS_ROOT
def test_an_ordinary_user_runs_it_as_themselves(open_folder):
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("NOT PROVEN: no Python that the user nobody can run")
    installed = binaries(18)
    assert installed
    (open_folder / "theirs").mkdir()
    shutil.chown(open_folder / "theirs", "nobody")
    # What they installed themselves: ours may lie in a home that is closed to them.
    package, programs = Path(sys.modules[Cluster.__module__].__file__ or "").parent, installed.parents[1]
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
