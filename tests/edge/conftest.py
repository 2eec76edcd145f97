"""A real Caddy with the production Caddyfile, in front of four services that record what reached them."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ava_local.ports import free_port
from ava_local.stack.environment import SERVICES

CADDYFILE = Path(__file__).parents[2] / "infra/caddy/Caddyfile"
Headers = list[tuple[str, str]]


def read_headers(lines: list[bytes]) -> Headers:
    pairs = (line.decode("latin-1").partition(":") for line in lines if line)
    return [(name.strip().lower(), value.strip()) for name, _, value in pairs]


async def read_all(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    with suppress(ConnectionError):
        while block := await reader.read(65536):
            answer += block
    return answer


class WithHeaders:
    """Looks a header up by its name."""

    headers: Headers

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


@dataclass(frozen=True)
class Seen(WithHeaders):
    """One request as a service received it."""

    service: str
    method: str
    target: str
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Answer(WithHeaders):
    """One response as the client received it."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The type of a complete problem document."""
        assert self.header("content-type") == "application/problem+json", self
        document = self.json
        assert set(document) == {"type", "title", "status", "detail", "instance"}
        assert document["status"] == self.status
        assert document["instance"] == f"urn:ava:request:{self.header('x-request-id')}"
        assert len(document["detail"]) > 20, "says what to do"
        return str(document["type"]).removeprefix("urn:ava:problem:")


@dataclass
class RecordingService:
    """Records every request; drops the connection for the first `hang_ups`, answers the others with 200."""

    name: str
    seen: list[Seen] = field(default_factory=list)
    extra: str = ""
    reply: bytes = b""
    """Instead of its name."""
    hang_ups: int = 0
    port: int = 0
    server: asyncio.Server | None = None

    async def open(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    def close(self) -> None:
        assert self.server
        self.server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *rest = head.split(b"\r\n")
                method, target, _ = line.decode("latin-1").split(" ")
                headers = read_headers(rest)
                body = await self.body(reader, dict(headers))
                self.seen.append(Seen(self.name, method, target, headers, body))
                if self.hang_ups > 0:
                    self.hang_ups -= 1
                    break
                answer = self.reply or self.name.encode()
                writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(answer)}\r\n{self.extra}\r\n".encode())
                writer.write(b"" if method == "HEAD" else answer)
                await writer.drain()
        writer.close()

    async def body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if "transfer-encoding" not in headers:
            return await reader.readexactly(int(headers.get("content-length", 0)))
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body


@dataclass
class Edge:
    """The edge as a client sees it, and what the services behind it received."""

    port: int
    services: dict[str, RecordingService]
    log_path: Path

    @property
    def seen(self) -> list[Seen]:
        return [one for service in self.services.values() for one in service.seen]

    async def raw(self, request: bytes, wait: float = 60) -> bytes:
        """Send bytes; every byte of the response until Caddy closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = asyncio.create_task(read_all(reader))
        with suppress(ConnectionError):
            writer.write(request)
            await writer.drain()
        try:
            return await asyncio.wait_for(answer, wait)
        finally:
            writer.close()

    async def ask(self, method: str, target: str, *headers: str, body: bytes | None = None) -> Answer:
        """One request, with target and headers sent exactly as given."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return self.read(await self.raw(head + (body or b"")))

    def read(self, answer: bytes) -> Answer:
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        return Answer(int(status.split()[1]), read_headers(lines), body)

    async def reach(self, method: str, target: str, *headers: str, body: bytes | None = None) -> Seen:
        """The same; returns the request as the one service it reached received it."""
        before = len(self.seen)
        answer = await self.ask(method, target, *headers, body=body)
        assert answer.status == 200, answer
        assert len(self.seen) == before + 1
        return self.services[answer.body.decode() or "auth"].seen[-1]

    def log(self) -> str:
        return self.log_path.read_text()


def caddy() -> str:
    beside = Path(sys.executable).parent / "caddy"
    return str(beside) if beside.exists() else shutil.which("caddy") or "caddy"


@dataclass
class EdgeProxy:
    """Starts Caddy with the production Caddyfile on free ports, and stops it afterwards."""

    folders: pytest.TempPathFactory
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    free_port = staticmethod(free_port)

    def before(
        self, upstreams: dict[str, int], address: str = ":{port}", **instead: tuple[str, str]
    ) -> tuple[int, Path]:
        """Caddy in front of these services: its port and log, once it listens. `instead`: (old, new) text."""
        folder, port = self.folders.mktemp("caddy"), free_port()
        environment = {
            **{
                f"{name.upper().replace('-', '_')}_UPSTREAM": f"127.0.0.1:{at}"
                for name, at in upstreams.items()
            },
            **dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder)),
            "AVA_SITE_ADDRESS": address.format(port=port),
            "AVA_BIND": "127.0.0.1",
        }
        text = CADDYFILE.read_text()
        for old, new in instead.values():
            assert old in text
            text = text.replace(old, new)
        (folder / "Caddyfile").write_text(text)
        command = [caddy(), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
        with (folder / "log").open("wb") as sink:
            process = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)
        self.running.append(process)
        wait_for(port, process, folder / "log")
        return port, folder / "log"

    def close(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(timeout=60)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
    raise TimeoutError(log.read_text())


@pytest.fixture(scope="session")
def edge_proxy(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeProxy]:
    started = EdgeProxy(tmp_path_factory)
    yield started
    started.close()


@pytest.fixture(scope="session")
async def whole_edge(edge_proxy: EdgeProxy) -> AsyncIterator[Edge]:
    services = {name: RecordingService(name) for name in SERVICES}
    for service in services.values():
        await service.open()
    port, log = edge_proxy.before({name: service.port for name, service in services.items()})
    yield Edge(port, services, log)
    for service in services.values():
        service.close()


@pytest.fixture
def edge(whole_edge: Edge) -> Edge:
    """The edge, with nothing recorded yet."""
    for service in whole_edge.services.values():
        service.seen.clear()
        service.extra, service.reply, service.hang_ups = "", b"", 0
    return whole_edge
