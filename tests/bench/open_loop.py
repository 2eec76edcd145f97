"""An open loop: requests are sent when they are due, whatever becomes of those before them."""

import select
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.load_generator import RESPONSE_TIMEOUT_SECONDS, Connection, LoadFailed

CONNECTIONS = 800


@dataclass
class Offered:
    """What became of the requests; latencies in seconds from when each was due, of those accepted."""

    accepted: int = 0
    refused: int = 0
    refused_without_retry_after: int = 0
    other: int = 0
    latencies: list[float] = field(default_factory=list)

    def note(self, response: bytes, seconds: float) -> None:
        status, head = response[9:12], response.partition(b"\r\n\r\n")[0].lower()
        if status == b"200":
            self.accepted += 1
            self.latencies.append(seconds)
        elif status == b"503":
            self.refused += 1
            self.refused_without_retry_after += b"\r\nretry-after:" not in head
        else:
            self.other += 1


class OpenLoop:
    """Connections are opened as they are needed, as callers all over the world would."""

    def __init__(self, port: int, make: Callable[[], bytes]) -> None:
        self._port, self._make = port, make
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._idle: list[Connection] = []
        self._due: dict[int, float] = {}

    def offer(self, per_second: float, seconds: float) -> Offered:
        """Raises LoadFailed when an answer does not come."""
        found, began, sent = Offered(), time.perf_counter(), 0
        with ExitStack() as closing:
            closing.callback(self._close)
            while sent < per_second * seconds or self._due:
                elapsed = time.perf_counter() - began
                while sent < per_second * min(elapsed, seconds) and self._send(began + sent / per_second):
                    sent += 1
                if elapsed > seconds + RESPONSE_TIMEOUT_SECONDS:
                    raise LoadFailed(f"{len(self._due)} requests were not answered")
                if elapsed > seconds:
                    sent = max(sent, int(per_second * seconds) + 1)
                self._receive(found, 0.001)
        found.latencies.sort()
        return found

    def _send(self, due: float) -> bool:
        """False when all connections are in use: the request stays due."""
        if not self._idle and len(self._connections) >= CONNECTIONS:
            return False
        connection = self._idle.pop() if self._idle else self._opened()
        self._due[connection.socket.fileno()] = due
        connection.send(self._make())
        return True

    def _opened(self) -> Connection:
        connection = Connection(self._port)
        self._connections[connection.socket.fileno()] = connection
        self._poll.register(connection.socket.fileno(), select.EPOLLIN)
        return connection

    def _receive(self, found: Offered, wait: float) -> None:
        for number, _ in self._poll.poll(wait):
            connection = self._connections[number]
            if response := connection.receive():
                found.note(response, time.perf_counter() - self._due.pop(number))
                self._idle.append(connection)

    def _close(self) -> None:
        for connection in self._connections.values():
            connection.socket.close()
        self._poll.close()
