"""What a start finds: taken ports, left-overs of a killed run, stale pid files."""

import os
import socket
import subprocess
from types import SimpleNamespace

import psutil
import pytest

from ava_local.ports import free_port
from ava_local.stack import preflight

from .conftest import SLEEP, write_status


@pytest.fixture
def sleeper():
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def test_a_taken_port_is_named_with_its_holder_and_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(preflight.PortInUse) as taken:
            preflight.require_free_ports({"caddy": port})
    assert str(port) in str(taken.value)
    assert f"pid {os.getpid()}" in str(taken.value)
    assert "AVA_PORT=" in str(taken.value)


def test_free_ports_are_no_trouble():
    preflight.require_free_ports({"caddy": free_port()})


@pytest.mark.parametrize("port", [8080, 1024, 59_999, 65_000])
def test_the_suggested_port_is_another_usable_one(port):
    assert preflight.suggested_base_port(port) != port
    assert 1024 <= preflight.suggested_base_port(port) <= 65_528


def test_an_orphan_of_a_killed_run_is_ended(layout, sleeper):
    write_status(layout, sleeper.pid)
    preflight.kill_leftover_processes(layout, timeout=0.2)
    assert not psutil.pid_exists(sleeper.pid)


def test_a_stranger_who_got_the_pid_of_an_old_process_is_left_alone(layout, sleeper):
    write_status(layout, sleeper.pid)
    text = layout.status_file.read_text()
    born = str(psutil.Process(sleeper.pid).create_time())
    layout.status_file.write_text(text.replace(born, "1000.0"))
    preflight.kill_leftover_processes(layout, timeout=0.2)
    assert sleeper.poll() is None


def test_a_house_without_a_past_has_nothing_to_sweep(layout):
    preflight.kill_leftover_processes(layout)


@pytest.mark.parametrize("words", ["not a number\n", "", "999999999\n/data\n"])
def test_a_pid_file_that_names_no_living_postgres_is_removed_or_left_to_postgres(tmp_path, words):
    mark = tmp_path / "postmaster.pid"
    mark.write_text(words)
    preflight.remove_stale_postmaster_pid(SimpleNamespace(data=tmp_path))
    assert mark.exists() is (not words.startswith("999"))


def test_a_pid_file_whose_number_went_to_another_program_is_removed(tmp_path):
    mark = tmp_path / "postmaster.pid"
    mark.write_text(f"{os.getpid()}\n/data\n")
    preflight.remove_stale_postmaster_pid(SimpleNamespace(data=tmp_path))
    assert not mark.exists()
