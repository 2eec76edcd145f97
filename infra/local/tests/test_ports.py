"""The ports of a stack: a valid base port, and free ports that no other process was given."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ava_local.expected_error import ExpectedError
from ava_local.ports import (
    InvalidBasePort,
    NoFreePort,
    NoFreePorts,
    claim,
    free_base_port,
    free_port,
    parse_base_port,
)


@pytest.mark.parametrize("text", ["eighty", "80", "-1", "65530", "8080.5"])
def test_an_invalid_port_is_refused_naming_the_range(text: str) -> None:
    with pytest.raises(InvalidBasePort, match="1024 to 65528"):
        parse_base_port(text)


def test_where_no_ports_are_free_the_error_says_so_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(NoFreePorts) as raised:
        free_base_port([listener.getsockname()[1]])
    assert isinstance(raised.value, ExpectedError)
    assert "no eight consecutive free ports" in str(raised.value)


def test_where_no_port_is_free_the_error_says_so_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(NoFreePort) as raised:
        free_port([listener.getsockname()[1]])
    assert isinstance(raised.value, ExpectedError)
    assert "no free port" in str(raised.value)


@pytest.mark.usefixtures("processes")
def test_two_processes_never_get_the_same_port() -> None:
    program = "from ava_local.ports import free_base_port; print(free_base_port(), flush=True); input()"
    mine = {free_base_port() for _ in range(20)}
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


def test_a_free_port_is_outside_the_range_of_outgoing_connections() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert free_port() < lowest
