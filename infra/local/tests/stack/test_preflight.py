"""What a start finds: ports in use, leftovers of a killed run, stale pid files."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psutil
import pytest

from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.stack import preflight
from ava_local.stack.layout import StackLayout

from .conftest import SLEEP, write_status


@pytest.fixture
def sleeper(processes: None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def test_a_port_in_use_is_named_with_its_listener_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(preflight.PortInUse) as raised:
            preflight.require_free_ports({"caddy": port})
    assert str(port) in str(raised.value)
    assert f"pid {os.getpid()}" in str(raised.value)
    assert "AVA_PORT=" in str(raised.value)


def test_free_ports_raise_nothing() -> None:
    preflight.require_free_ports({"caddy": free_port()})


@pytest.mark.parametrize("port", [8080, 1024, 59_999, 65_000])
def test_the_suggested_port_is_another_usable_one(port: int) -> None:
    assert preflight.suggested_base_port(port) != port
    assert 1024 <= preflight.suggested_base_port(port) <= 65_528


def test_a_leftover_process_of_a_killed_run_is_killed(
    layout: StackLayout, sleeper: subprocess.Popen[bytes]
) -> None:
    write_status(layout, sleeper.pid)
    leftover = psutil.Process(sleeper.pid)
    preflight.kill_leftover_processes(layout, timeout=0.2)
    _, alive = psutil.wait_procs([leftover], timeout=60)
    assert alive == []


def test_another_process_that_got_the_pid_of_an_old_one_is_left_alone(
    layout: StackLayout, sleeper: subprocess.Popen[bytes]
) -> None:
    write_status(layout, sleeper.pid)
    text = layout.status_file.read_text()
    born = str(psutil.Process(sleeper.pid).create_time())
    layout.status_file.write_text(text.replace(born, "1000.0"))
    preflight.kill_leftover_processes(layout, timeout=0.2)
    assert sleeper.poll() is None


def test_a_new_stack_has_no_leftover_processes(layout: StackLayout) -> None:
    preflight.kill_leftover_processes(layout)


@pytest.mark.parametrize("content", ["not a number\n", "", "999999999\n/data\n"])
def test_a_pid_file_that_names_no_running_postgres_is_removed_or_left_to_postgres(
    tmp_path: Path, content: str
) -> None:
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(content)
    preflight.remove_stale_postmaster_pid(cast(Cluster, SimpleNamespace(data=tmp_path)))
    assert pid_file.exists() is (not content.startswith("999"))


def test_a_pid_file_whose_pid_belongs_to_another_program_is_removed(tmp_path: Path) -> None:
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/data\n")
    preflight.remove_stale_postmaster_pid(cast(Cluster, SimpleNamespace(data=tmp_path)))
    assert not pid_file.exists()
