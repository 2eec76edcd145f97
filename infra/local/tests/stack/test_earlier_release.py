"""The data of an earlier release is adopted once, completely, and never while it is in use."""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

import ava_local
from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.postgres.data_location import fallback_folder
from ava_local.stack.earlier_release import EarlierReleaseRunning, StateFolderNotMoved, adopt

IS_ROOT = os.geteuid() == 0


class Machine:
    """The .ava folder of an earlier release, closed to other users, and a fallback folder open to them."""

    def __init__(self, folder: Path) -> None:
        self.earlier, self.state = folder / ".ava" / "earlier", folder / ".ava" / "state"
        self.fallback_root = folder / "fallback"
        (folder / ".ava" / "tools").mkdir(parents=True)
        (self.earlier / "hold").mkdir(parents=True)
        (self.earlier / "secrets.json").write_text("{}")
        (folder / ".ava").chmod(0o700)

    def cluster(self, state_dir: Path) -> Cluster:
        folder = state_dir / "postgres"
        return Cluster(folder, free_port(), durable=False, fallback_root=self.fallback_root)

    def adopt(self) -> None:
        adopt(self.state, self.fallback_root)

    def fallback_of(self, state_dir: Path) -> Path:
        return fallback_folder(state_dir / "postgres", self.fallback_root)


@pytest.fixture
def machine(open_folder: Path) -> Machine:
    return Machine(open_folder)


@pytest.fixture
def machine_with_rows(processes: None, machine: Machine) -> Machine:
    cluster = machine.cluster(machine.earlier)
    cluster.start()
    run(cluster, "create table saved as select 42 as answer")
    cluster.stop()
    return machine


@pytest.fixture
def locked(machine: Machine) -> Iterator[Machine]:
    """As a supervisor of the earlier release holds it."""
    with (machine.earlier / "supervisor.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield machine


def run(cluster: Cluster, sql: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(cluster.url())
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def assert_adopted_with_rows(machine: Machine) -> None:
    assert not machine.earlier.exists()
    cluster = machine.cluster(machine.state)
    cluster.start()
    assert run(cluster, "select answer from saved") == 42
    cluster.destroy()
    assert not machine.fallback_root.exists() or list(machine.fallback_root.iterdir()) == []


def test_the_data_is_adopted_with_its_rows(machine_with_rows: Machine) -> None:
    machine_with_rows.adopt()
    assert_adopted_with_rows(machine_with_rows)


def test_an_adopted_folder_looks_like_any_other(machine: Machine) -> None:
    machine.adopt()
    assert sorted(file.name for file in machine.state.iterdir()) == [
        "disabled",
        "secrets.json",
        "supervisor.lock",
    ]


@pytest.mark.skipif(not IS_ROOT, reason="only root has data in the fallback folder")
def test_a_run_that_was_killed_in_between_is_completed(machine_with_rows: Machine) -> None:
    before = machine_with_rows.fallback_of(machine_with_rows.earlier)
    before.rename(machine_with_rows.fallback_of(machine_with_rows.state))
    machine_with_rows.adopt()
    assert_adopted_with_rows(machine_with_rows)


def test_a_running_earlier_release_is_left_alone_and_named(locked: Machine) -> None:
    (locked.earlier / "status.json").write_text('{"pid": 4711}')
    with pytest.raises(EarlierReleaseRunning, match=r"pid 4711.*\./ava down"):
        locked.adopt()
    assert locked.earlier.exists()
    assert not locked.state.exists()


def test_nothing_is_adopted_where_the_state_folder_exists(machine: Machine) -> None:
    machine.state.mkdir()
    machine.adopt()
    assert machine.earlier.exists()
    assert list(machine.state.iterdir()) == []


def test_a_second_stack_of_this_release_is_not_adopted(machine: Machine) -> None:
    (machine.earlier / "disabled").mkdir()
    machine.adopt()
    assert not machine.state.exists()


def test_two_candidates_are_named_and_left_alone(machine: Machine) -> None:
    shutil.copytree(machine.earlier, machine.earlier.with_name("another"))
    with pytest.raises(StateFolderNotMoved, match=r"another.*earlier.*AVA_STATE_DIR"):
        machine.adopt()
    assert not machine.state.exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root has data in the fallback folder")
def test_two_databases_are_named_and_left_alone(machine_with_rows: Machine) -> None:
    after = machine_with_rows.fallback_of(machine_with_rows.state)
    (after / "data").mkdir(parents=True)
    (after / "data" / "PG_VERSION").write_text("18\n")
    with pytest.raises(StateFolderNotMoved, match="both hold a database"):
        machine_with_rows.adopt()
    assert machine_with_rows.earlier.exists()
    assert (machine_with_rows.fallback_of(machine_with_rows.earlier) / "data").exists()


@pytest.mark.skipif(not IS_ROOT, reason="root drops its rights for this")
@pytest.mark.usefixtures("processes")
def test_a_refused_move_stops_with_a_sentence_and_changes_nothing(machine: Machine) -> None:
    (machine.earlier.parent).chmod(0o755)
    code = f"""
import os
from pathlib import Path
from ava_local.stack.earlier_release import StateFolderNotMoved, adopt
os.setgid(65534)
os.setuid(65534)
try:
    adopt(Path({str(machine.state)!r}), Path({str(machine.fallback_root)!r}))
except StateFolderNotMoved as refused:
    print(refused)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Run ./ava as the user who owns that folder." in done.stdout, done.stderr
    assert machine.earlier.exists()
    assert not machine.state.exists()


def ava(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, from a copy of the sources, so that its default state folder is in `folder`."""
    sources = folder / "infra" / "local" / "src"
    if not sources.exists():
        shutil.copytree(Path(ava_local.__file__ or "").parents[1], sources)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(sources)}
    command = [sys.executable, "-m", "ava_local", *arguments]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100
    )


@pytest.mark.usefixtures("processes")
def test_down_stops_an_earlier_release_and_other_commands_say_so(locked: Machine, open_folder: Path) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    born = psutil.Process(supervisor.pid).create_time()
    status = {"pid": supervisor.pid, "born": born, "port": 8080, "rows": []}
    (locked.earlier / "status.json").write_text(json.dumps(status))
    refused = ava(open_folder, "status")
    assert refused.returncode == 1
    assert f"(pid {supervisor.pid}). Stop it with: ./ava down" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "Stopped." in ava(open_folder, "down").stdout
    assert supervisor.wait(timeout=60) != 0
