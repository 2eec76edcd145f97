"""The whole house as a person meets it: up, once more, killed, up again with its data, down."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from ava_local.handle import House, HouseDown
from ava_local.journey import Person, some_number
from ava_local.places import free_base


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that these tests may break."""
    made = House(tmp_path_factory.mktemp("own"), free_base())
    with made:
        yield made
    made.forget()
    assert not made.places.state.exists()


@pytest.fixture
def own(breakable: House) -> House:
    """The same, up and whole whatever the test before did to it."""
    if breakable.status() is None:
        breakable.start()
    breakable.wait_ready()
    return breakable


def ava(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as typed in another terminal."""
    where = {"AVA_STATE_DIR": str(house.places.state), "AVA_PORT": str(house.places.port)}
    return subprocess.run(
        [sys.executable, "-m", "ava_local", *arguments],
        env={"PATH": os.environ["PATH"], **where},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


def everybody(house: House) -> list[psutil.Process]:
    """Every process of the house, with their children."""
    found = house.status()
    assert found
    parents = [psutil.Process(row.pid) for row in found.rows if row.pid]
    return parents + [child for parent in parents for child in parent.children(recursive=True)]


def test_everything_is_up_and_on_this_machine_only(own):
    report = json.loads(ava(own, "status", "--json").stdout)
    assert report["ready"] is True
    open_doors = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    for process in report["processes"]:
        heard_on = {c.laddr.ip for c in open_doors if c.laddr.port == process["port"]}
        assert heard_on == ({"127.0.0.1"} if process["port"] else set()), process


def test_a_second_up_says_so_and_shows_the_addresses(own):
    ended = ava(own, "up")
    assert ended.returncode == 0
    assert "up already" in ended.stdout
    assert own.form in ended.stdout


def test_what_should_be_secret_is_readable_by_its_owner_only(own):
    state = own.places.state
    private = [state / "secrets.json", state / "env", *(state / "env").iterdir()]
    assert [file.name for file in private if file.stat().st_mode & 0o077] == []


def test_the_demo_plays_the_whole_journey(own):
    ended = ava(own, "demo", "--json")
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["ok"]) == (0, True), report
    assert len(report["steps"]) == 10


def test_a_demo_that_fails_says_where_and_ends_with_one(own):
    own.hold("messaging")
    ended = ava(own, "demo")
    own.release("messaging")
    assert ended.returncode == 1
    assert "✗ her message log is empty" in ended.stdout


def test_a_phone_in_the_terminal_gets_an_answer(own):
    ended = ava(own, "phone", some_number(), "anybody", "there?", "--json")
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout)["answers"]) == 1


def test_a_phone_number_that_is_none_is_refused_in_words(own):
    ended = ava(own, "phone", "not-a-number", "hello")
    assert ended.returncode == 1
    assert "no phone number" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_logs_can_be_read_by_process(own):
    ended = ava(own, "logs", "postgres")
    assert "ready to accept connections" in ended.stdout
    assert "There are:" in ava(own, "logs", "nobody").stderr


@pytest.mark.parametrize("process", ["messaging", "postgres", "caddy"])
def test_a_killed_process_is_back_and_the_house_with_it(own, process):
    before = own.kill(process)
    own.wait_ready(process, since=before)
    assert httpx.get(f"{own.url('caddy')}/messages", timeout=60).status_code == 401


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_up_finds_the_data(own):
    person = Person(own.url("caddy"), "kept")
    person.sign_up()
    found = own.status()
    assert found
    processes = everybody(own)
    assert len(processes) > 8
    os.kill(found.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    own.start()
    person.log_in()
    assert person.messages() == []


def test_a_taken_port_is_said_before_anything_starts(own, tmp_path):
    base = free_base()
    words = rf"port {base + 4} \(for profile\) is taken.*AVA_PORT="
    with socket.create_server(("127.0.0.1", base + 4)), pytest.raises(HouseDown, match=words):
        House(tmp_path, base).start()
    assert not (tmp_path / "logs" / "auth.log").exists()
    House(tmp_path, base).forget()


def test_down_stops_everything_and_status_says_so(own):
    processes = everybody(own)
    assert ava(own, "down").returncode == 0
    assert [process for process in processes if process.is_running()] == []
    assert ava(own, "status").returncode == 1
    assert "is down" in ava(own, "down").stdout


def test_a_house_ends_with_the_program_that_started_it(breakable):
    breakable.stop()
    code = f"""
import time
from pathlib import Path
from ava_local.handle import House
House(Path({str(breakable.places.state)!r}), {breakable.places.port}).start()
print("up", flush=True)
time.sleep(1000)
"""
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert program.stdout
    assert program.stdout.readline() == "up\n"
    processes = everybody(breakable)
    program.kill()
    program.wait()
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    deadline = time.monotonic() + 60
    while breakable.status() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert breakable.status() is None
