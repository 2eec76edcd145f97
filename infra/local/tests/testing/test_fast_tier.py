"""The fast tier is what its name says: a test in it that starts a process or reaches one fails."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("processes")

SAMPLE = """
import contextlib, os, socket, subprocess, sys
import asyncpg, pytest

@pytest.fixture
def server(processes): subprocess.run([sys.executable, "--version"], check=True)

def test_takes_processes(processes): subprocess.run([sys.executable, "--version"], check=True)

def test_takes_a_fixture_that_takes_it(server): pass

def test_takes_the_database(database): pass

def test_computes(): assert 1 + 1 == 2

def test_starts_a_process(): subprocess.run([sys.executable, "--version"])

def test_forks(): os.fork() or os._exit(0)

def test_hides_that_it_starts_a_process():
    with contextlib.suppress(Exception):
        subprocess.run([sys.executable, "--version"])

def test_connects_to_another_process(): socket.create_connection(("127.0.0.1", OTHER))

def test_connects_to_another_machine(): socket.create_connection(("192.0.2.1", 80), timeout=0.1)

async def test_opens_a_database(): await asyncpg.connect(host="127.0.0.1", port=OTHER, timeout=5)

def test_connects_to_itself():
    with socket.create_server(("127.0.0.1", 0)) as own:
        socket.create_connection(own.getsockname()).close()

def test_connects_to_nobody():
    with socket.create_server(("127.0.0.1", 0)) as own:
        address = own.getsockname()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
"""


def run_sample(folder: Path, other_port: int, *options: str) -> list[tuple[str, str]]:
    """Each outcome and the test it is of, in the order they ran."""
    (folder / "test_sample.py").write_text(SAMPLE.replace("OTHER", str(other_port)))
    plugins = ("ava_local.testing.fixtures", "ava_local.testing.fast_tier")
    command = [sys.executable, "-m", "pytest", "-v", "-o", "asyncio_mode=auto", "--rootdir", str(folder)]
    command += [word for plugin in plugins for word in ("-p", plugin)]
    done = subprocess.run(
        [*command, *options, str(folder)], cwd=folder, capture_output=True, text=True, check=False
    )
    return [(outcome, name) for name, outcome in re.findall(r"::test_(\w+) ([A-Z]+) .*%", done.stdout)]


def test_a_test_that_leaves_this_process_without_saying_so_fails(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        outcomes = run_sample(tmp_path, other.getsockname()[1], "--fast")
    assert outcomes == [
        ("PASSED", "computes"),
        ("FAILED", "starts_a_process"),
        ("FAILED", "forks"),
        ("FAILED", "hides_that_it_starts_a_process"),
        ("FAILED", "connects_to_another_process"),
        ("FAILED", "connects_to_another_machine"),
        ("FAILED", "opens_a_database"),
        ("PASSED", "connects_to_itself"),
        ("PASSED", "connects_to_nobody"),
    ]


def test_a_whole_run_starts_with_the_fast_tier(tmp_path: Path) -> None:
    outcomes = run_sample(tmp_path, 1, "-k", "computes or takes_processes or takes_a_fixture")
    assert outcomes == [
        ("PASSED", "computes"),
        ("PASSED", "takes_processes"),
        ("PASSED", "takes_a_fixture_that_takes_it"),
    ]
