"""The TCP ports of a stack: one base port and a fixed offset for each process."""

import random
import socket
from collections import deque
from collections.abc import Sequence

from ava_local.expected_error import ExpectedError

PORT_OFFSETS = {
    "caddy": 0,
    "whatsapp-simulator": 1,
    "supabase-auth": 2,
    "auth": 3,
    "profile": 4,
    "messaging": 5,
    "whatsapp-gateway": 6,
    "postgres": 7,
}
DEFAULT_BASE_PORT = 8080
HIGHEST_BASE_PORT = 65535 - max(PORT_OFFSETS.values())


class InvalidBasePort(ExpectedError):
    """AVA_PORT is not a usable port number."""


class NoFreePorts(ExpectedError):
    """Found no eight consecutive free ports between 20000 and 30000. Stop other programs and try again."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class NoFreePort(ExpectedError):
    """Found no free port between 30000 and 32768. Stop other programs and try again."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def parse_base_port(text: str | None) -> int:
    """The base port; a stack uses it and the seven ports after it. Raises InvalidBasePort."""
    if not text:
        return DEFAULT_BASE_PORT
    if not text.isdecimal() or not 1024 <= int(text) <= HIGHEST_BASE_PORT:
        raise InvalidBasePort(f"AVA_PORT is {text!r}; use a number from 1024 to {HIGHEST_BASE_PORT}.")
    return int(text)


def free_base_port(candidates: Sequence[int] = range(20_000, 30_000, 10)) -> int:
    """A base port whose eight ports are all free, for a second stack. Raises NoFreePorts."""
    for base in random.sample(candidates, len(candidates)):
        if claim(base) and all(is_port_free(base + offset) for offset in PORT_OFFSETS.values()):
            return base
    raise NoFreePorts


def free_port(candidates: Sequence[int] = range(30_000, 32_768)) -> int:
    """A free port outside the range the system uses for outgoing connections. Raises NoFreePort."""
    for port in random.sample(candidates, len(candidates)):
        if claim(port) and is_port_free(port):
            return port
    raise NoFreePort


MAX_CLAIMS = 100
"""Each claim is an open file of this process."""

_claims: deque[socket.socket] = deque()


def claim(port: int) -> bool:
    """Claim a port for this process; False if any process on this machine has claimed it already.

    A claim is an abstract Unix socket named after the port. It ends when this process ends, or when this
    process has made MAX_CLAIMS newer ones.
    """
    claimed = socket.socket(socket.AF_UNIX)
    try:
        claimed.bind(f"\0ava-port-{port}")
    except OSError:
        claimed.close()
        return False
    _claims.append(claimed)
    if len(_claims) > MAX_CLAIMS:
        _claims.popleft().close()
    return True


def is_port_free(port: int) -> bool:
    """Whether a program could listen on this port of this machine now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
