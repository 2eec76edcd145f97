"""The stack's life cycle: up, up twice, killed, up again with its data, down; as typed in a terminal."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from ava_local.demo.user_journey import DemoUser, random_phone_number
from ava_local.ports import free_base_port
from ava_local.stack.control import Stack, StackNotRunning


@pytest.fixture(scope="module")
def breakable_stack(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that these tests may break."""
    stack = Stack(tmp_path_factory.mktemp("own_stack"), free_base_port())
    with stack:
        yield stack
    stack.delete_data()
    assert not stack.layout.state_dir.exists()


@pytest.fixture
def own_stack(breakable_stack: Stack) -> Stack:
    """The same stack, running and ready, whatever the test before did to it."""
    if breakable_stack.status() is None:
        breakable_stack.start()
    breakable_stack.wait_ready()
    return breakable_stack


def ava(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as typed in another terminal."""
    variables = {"AVA_STATE_DIR": str(stack.layout.state_dir), "AVA_PORT": str(stack.layout.base_port)}
    return subprocess.run(
        [sys.executable, "-m", "ava_local", *arguments],
        env={"PATH": os.environ["PATH"], **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


def all_processes(stack: Stack) -> list[psutil.Process]:
    """Every process of the stack, with their children."""
    found = stack.status()
    assert found
    parents = [psutil.Process(row.pid) for row in found.processes if row.pid]
    return parents + [child for parent in parents for child in parent.children(recursive=True)]


def test_everything_is_up_and_on_this_machine_only(own_stack: Stack) -> None:
    report = json.loads(ava(own_stack, "status", "--json").stdout)
    assert report["ready"] is True
    connections = psutil.net_connections("tcp")
    listening = [c.laddr for c in connections if c.status == psutil.CONN_LISTEN and c.laddr]
    for process in report["processes"]:
        addresses = {at.ip for at in listening if at.port == process["port"]}
        assert addresses == ({"127.0.0.1"} if process["port"] else set()), process


def test_a_second_up_says_so_and_shows_the_addresses(own_stack: Stack) -> None:
    ended = ava(own_stack, "up")
    assert ended.returncode == 0
    assert "already running" in ended.stdout
    assert own_stack.public_url in ended.stdout


def test_secrets_are_readable_by_their_owner_only(own_stack: Stack) -> None:
    state = own_stack.layout.state_dir
    private = [state / "secrets.json", state / "env", *(state / "env").iterdir()]
    assert [file.name for file in private if file.stat().st_mode & 0o077] == []


def test_the_demo_runs_the_whole_journey(own_stack: Stack) -> None:
    ended = ava(own_stack, "demo", "--json")
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["ok"]) == (0, True), report
    assert len(report["steps"]) == 10


def test_a_demo_that_fails_says_where_and_exits_with_one(own_stack: Stack) -> None:
    own_stack.disable("messaging")
    try:
        ended = ava(own_stack, "demo")
    finally:
        own_stack.enable("messaging")
    assert ended.returncode == 1
    assert "✗ the message log is empty" in ended.stdout


def test_a_phone_in_the_terminal_gets_a_reply(own_stack: Stack) -> None:
    ended = ava(own_stack, "phone", random_phone_number(), "is anyone", "there?", "--json", "--wait", "60")
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout)["answers"]) == 1


def test_an_invalid_phone_number_is_refused_with_an_explanation(own_stack: Stack) -> None:
    ended = ava(own_stack, "phone", "not-a-number", "hello")
    assert ended.returncode == 1
    assert "not a valid phone number" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_logs_can_be_read_by_process(own_stack: Stack) -> None:
    ended = ava(own_stack, "logs", "postgres")
    assert "ready to accept connections" in ended.stdout
    assert "Available logs:" in ava(own_stack, "logs", "unknown").stderr


@pytest.mark.parametrize("process", ["messaging", "postgres", "caddy"])
def test_a_killed_process_is_restarted_and_the_stack_works(own_stack: Stack, process: str) -> None:
    before = own_stack.kill(process)
    own_stack.wait_ready(process, since=before)
    assert httpx.get(f"{own_stack.url('caddy')}/messages", timeout=60).status_code == 401


def test_a_killed_supervisor_leaves_no_process_and_the_next_up_finds_the_data(own_stack: Stack) -> None:
    user = DemoUser(own_stack.url("caddy"), "saved")
    user.sign_up()
    found = own_stack.status()
    assert found
    processes = all_processes(own_stack)
    assert len(processes) > 8
    os.kill(found.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    own_stack.start()
    user.log_in()
    assert user.messages() == []


def test_a_port_in_use_is_reported_before_anything_starts(own_stack: Stack, tmp_path: Path) -> None:
    base = free_base_port()
    message = rf"port {base + 4} \(needed by profile\) is already in use.*AVA_PORT="
    with socket.create_server(("127.0.0.1", base + 4)), pytest.raises(StackNotRunning, match=message):
        Stack(tmp_path, base).start()
    assert not (tmp_path / "logs" / "auth.log").exists()
    Stack(tmp_path, base).delete_data()


def test_down_stops_everything_and_status_says_so(own_stack: Stack) -> None:
    processes = all_processes(own_stack)
    assert ava(own_stack, "down").returncode == 0
    assert [process for process in processes if process.is_running()] == []
    assert ava(own_stack, "status").returncode == 1
    assert "is not running" in ava(own_stack, "down").stdout
    assert "Start it with: ./ava up" in ava(own_stack, "gateway", "list").stderr


def test_a_stack_ends_with_the_program_that_started_it(breakable_stack: Stack) -> None:
    breakable_stack.stop()
    code = f"""
import time
from pathlib import Path
from ava_local.stack.control import Stack
Stack(Path({str(breakable_stack.layout.state_dir)!r}), {breakable_stack.layout.base_port}).start()
print("up", flush=True)
time.sleep(1000)
"""
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert program.stdout
    assert program.stdout.readline() == "up\n"
    processes = all_processes(breakable_stack)
    program.kill()
    program.wait()
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    deadline = time.monotonic() + 60
    while breakable_stack.status() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert breakable_stack.status() is None
