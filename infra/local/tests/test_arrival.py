"""What a start finds: taken ports, left-overs of a killed run, stale pid files."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from ava_local import arrival, status
from ava_local.places import Places, claim, free_base
from ava_local.postgres import free_port
from ava_local.process import Kept, Process

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path, free_port())
    made.make()
    return made


@pytest.fixture
def sleeper():
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def described(places: Places, pid: int) -> None:
    kept = Kept(Process("room", SLEEP), places.logs / "room.log")
    kept.pid = pid
    status.write(places, [kept])


def test_a_taken_port_is_named_with_its_holder_and_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(arrival.PortTaken) as taken:
            arrival.need_ports({"caddy": port})
    assert str(port) in str(taken.value)
    assert f"pid {os.getpid()}" in str(taken.value)
    assert "AVA_PORT=" in str(taken.value)


def test_free_ports_are_no_trouble():
    arrival.need_ports({"caddy": free_port()})


@pytest.mark.parametrize("port", [8080, 1024, 59_999, 65_000])
def test_the_suggested_port_is_another_usable_one(port):
    assert arrival.suggestion(port) != port
    assert 1024 <= arrival.suggestion(port) <= 65_528


def test_an_orphan_of_a_killed_run_is_ended(places, sleeper):
    described(places, sleeper.pid)
    orphan = psutil.Process(sleeper.pid)
    arrival.sweep(places, within=0.2)
    _, alive = psutil.wait_procs([orphan], timeout=60)
    assert alive == []


def test_a_stranger_who_got_the_pid_of_an_old_process_is_left_alone(places, sleeper):
    described(places, sleeper.pid)
    text = places.status.read_text()
    born = str(psutil.Process(sleeper.pid).create_time())
    places.status.write_text(text.replace(born, "1000.0"))
    arrival.sweep(places, within=0.2)
    assert sleeper.poll() is None


def test_a_house_without_a_past_has_nothing_to_sweep(places):
    arrival.sweep(places)


@pytest.mark.parametrize("words", ["not a number\n", "", "999999999\n/data\n"])
def test_a_pid_file_that_names_no_living_postgres_is_removed_or_left_to_postgres(tmp_path, words):
    mark = tmp_path / "postmaster.pid"
    mark.write_text(words)
    arrival.forget_dead_postmaster(SimpleNamespace(data=tmp_path))
    assert mark.exists() is (not words.startswith("999"))


def test_a_pid_file_whose_number_went_to_another_program_is_removed(tmp_path):
    mark = tmp_path / "postmaster.pid"
    mark.write_text(f"{os.getpid()}\n/data\n")
    arrival.forget_dead_postmaster(SimpleNamespace(data=tmp_path))
    assert not mark.exists()


def test_only_one_supervisor_holds_a_house(places):
    descriptor = status.take_lock(places)
    with pytest.raises(status.AlreadyUp):
        status.take_lock(places)
    os.close(descriptor)
    os.close(status.take_lock(places))


def test_a_status_whose_supervisor_is_gone_describes_a_house_that_is_down(places):
    described(places, os.getpid())
    assert status.current(places) is not None
    places.status.write_text(
        places.status.read_text().replace(f'"pid": {os.getpid()}', '"pid": 999999999', 1)
    )
    assert status.current(places) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_torn_status_is_no_status(places, text):
    places.status.write_text(text)
    assert status.current(places) is None


def test_a_port_is_promised_only_once_on_the_whole_machine():
    program = "from ava_local.places import free_base; print(free_base(), flush=True); input()"
    mine = {free_base() for _ in range(20)}
    other = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    theirs = int(other.stdout.readline())
    assert len(mine) == 20
    assert theirs not in mine
    assert not claim(theirs)
    other.communicate("\n")
    assert claim(theirs)


def test_a_free_port_is_none_that_an_outgoing_connection_could_take_meanwhile():
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert free_port() < lowest
