"""A closed loop of keep-alive connections: each sends its next request when its answer is complete."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from ava_local.expected_error import ExpectedError

CONNECTIONS = 32
SILENCE = 15.0
_OK = b"HTTP/1.1 200"


class Refused(ExpectedError):
    """A server answered something else than 200, or fell silent: there is nothing to measure."""


@dataclass(frozen=True)
class Load:
    """What came back; latencies in seconds, ascending."""

    count: int
    seconds: float
    latencies: list[float]


class Line:
    """One connection with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), SILENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked_at = 0.0
        self._heard = b""

    def ask(self, request: bytes) -> None:
        self._heard, self.asked_at = b"", time.perf_counter()
        self.socket.sendall(request)

    def hear(self) -> bool:
        """Read what is there; True when the answer is complete. Raises Refused."""
        came = self.socket.recv(262_144)
        self._heard += came
        if not came or not self._heard.startswith(_OK[: len(self._heard)]):
            raise Refused(self._heard[:600].decode(errors="replace") or "the connection was closed")
        head, end, body = self._heard.partition(b"\r\n\r\n")
        return bool(end) and len(body) >= _length(head)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    if not found:
        raise Refused("an answer without Content-Length cannot be told from the next one")
    return int(rest.split(b"\r\n", 1)[0])


def press(port: int, make: Callable[[], bytes], seconds: float, connections: int = CONNECTIONS) -> Load:
    """Ask for so many seconds, then wait for what is under way. Raises Refused."""
    with ExitStack() as stack:
        lines = {line.socket.fileno(): line for line in (Line(port) for _ in range(connections))}
        for line in lines.values():
            stack.callback(line.socket.close)
        began = time.perf_counter()
        latencies = sorted(_talk(lines, make, began + seconds))
        return Load(len(latencies), time.perf_counter() - began, latencies)


def _talk(lines: dict[int, Line], make: Callable[[], bytes], until: float) -> Iterator[float]:
    poll = select.epoll()
    for number, line in lines.items():
        poll.register(number, select.EPOLLIN)
        line.ask(make())
    under_way = len(lines)
    while under_way:
        if not (events := poll.poll(SILENCE)):
            raise Refused(f"no answer within {SILENCE:.0f} s")
        for number, _ in events:
            line = lines[number]
            if not line.hear():
                continue
            now = time.perf_counter()
            yield now - line.asked_at
            if now < until:
                line.ask(make())
            else:
                under_way -= 1
    poll.close()
