"""A closed loop of keep-alive connections: each sends its next request when its response is complete."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from ava_local.expected_error import ExpectedError

CONNECTIONS = 32
RESPONSE_TIMEOUT_SECONDS = 60.0
_OK = b"HTTP/1.1 20"


class LoadFailed(ExpectedError):
    """A server returned something other than 200 or 201, or nothing: there is nothing to measure."""


@dataclass(frozen=True)
class Load:
    """The responses; latencies in seconds, ascending."""

    count: int
    seconds: float
    latencies: list[float]


class Connection:
    """One connection with at most one request in flight."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), RESPONSE_TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._received = b""

    def send(self, request: bytes) -> None:
        self._received, self.sent_at = b"", time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes:
        """Read what has arrived; the whole response once it is complete, else nothing. Raises LoadFailed."""
        received = self.socket.recv(262_144)
        self._received += received
        if not received:
            raise LoadFailed(self._received[:600].decode(errors="replace") or "the connection was closed")
        head, end, body = self._received.partition(b"\r\n\r\n")
        return self._received if end and len(body) >= _length(head) else b""


def succeeded(response: bytes) -> bytes:
    """The response. Raises LoadFailed when it is not a success."""
    if not response.startswith(_OK):
        raise LoadFailed(response[:600].decode(errors="replace"))
    return response


def ask(connection: Connection, request: bytes) -> bytes:
    """One request on its own; the whole response. Raises LoadFailed."""
    connection.send(request)
    while not (response := connection.receive()):
        continue
    return succeeded(response)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    if not found:
        raise LoadFailed("a response without Content-Length cannot be told apart from the next one")
    return int(rest.split(b"\r\n", 1)[0])


def generate_load(
    port: int, make: Callable[[], bytes], seconds: float, connections: int = CONNECTIONS
) -> Load:
    """Send requests for so many seconds, then wait for those in flight. Raises LoadFailed."""
    with ExitStack() as closing:
        connections_by_fd = {
            connection.socket.fileno(): connection
            for connection in (Connection(port) for _ in range(connections))
        }
        for connection in connections_by_fd.values():
            closing.callback(connection.socket.close)
        began = time.perf_counter()
        latencies = sorted(_exchange(connections_by_fd, make, began + seconds))
        return Load(len(latencies), time.perf_counter() - began, latencies)


def _exchange(
    connections_by_fd: dict[int, Connection], make: Callable[[], bytes], until: float
) -> Iterator[float]:
    poll = select.epoll()
    for number, connection in connections_by_fd.items():
        poll.register(number, select.EPOLLIN)
        connection.send(make())
    in_flight = len(connections_by_fd)
    while in_flight:
        if not (events := poll.poll(RESPONSE_TIMEOUT_SECONDS)):
            raise LoadFailed(f"no response within {RESPONSE_TIMEOUT_SECONDS:.0f} s")
        for number, _ in events:
            connection = connections_by_fd[number]
            if not (response := connection.receive()):
                continue
            succeeded(response)
            now = time.perf_counter()
            yield now - connection.sent_at
            if now < until:
                connection.send(make())
            else:
                in_flight -= 1
    poll.close()
