"""Real server processes on loopback, started as on a VPS; all except the measured one are frozen."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from ava_local.expected_error import ExpectedError
from ava_local.parent_death_signal import signal_on_parent_death
from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.repository import ROOT
from bench import load_generator
from bench.comparison import Turn

START_TIMEOUT_SECONDS = 120.0
_SERVING = ("--no-access-log", "--no-server-header", "--timeout-keep-alive", "75")


class ServerFailed(ExpectedError):
    """A server exited or did not become ready; the message is the end of its log."""


class Server:
    """One process: an ASGI application under uvicorn, or a module that is given the port.

    `python` may belong to another environment.

    `behind` are servers that it asks: they run when it does, and their CPU counts as its own.
    """

    def __init__(
        self,
        app: str,
        folder: Path,
        variables: Mapping[str, str],
        ready: str = "/healthz",
        *,
        python: str = sys.executable,
        behind: Sequence["Server"] = (),
    ) -> None:
        self.port, self._behind = free_port(), behind
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        if app.endswith(":build"):  # one of Ava's services, as everywhere
            command = ["ava_common.serve", app, *address]
        else:
            command = ["uvicorn", app, *address, *_SERVING] if ":" in app else [app, str(self.port)]
        self._command = [python, "-m", *command]
        self._log = folder / f"{app.split(':')[0]}-{self.port}.log"
        self._folder, self._variables, self._ready = folder, dict(variables), ready
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as output:
            self._process = psutil.Popen(
                self._command,
                env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), **self._variables},
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=signal_on_parent_death(signal.SIGTERM),
            )  # fmt: skip
        self._wait(f"{self.url}{self._ready}")

    def restart(self) -> None:
        """Kill it and start it again on the same port."""
        self._process.kill()
        self._process.wait(START_TIMEOUT_SECONDS)
        self._start()

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not _answers(url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServerFailed(self._log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self._process.pid)

    def freeze(self) -> None:
        for process in self._processes():
            process.suspend()

    def resume(self) -> None:
        for process in self._processes():
            process.resume()

    def cpu(self) -> float:
        """Seconds of CPU used so far."""
        return sum(cpu(process) for process in self._processes())

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *(server.process for server in self._behind)]

    def take_turn(self, make: Callable[[], bytes], seconds: float, cluster: Cluster) -> Turn:
        """Measure it while all other servers are frozen."""
        self.resume()
        before, database = self.cpu(), database_cpu(cluster)
        found = load_generator.generate_load(self.port, make, seconds)
        turn = Turn(found, self.cpu() - before, database_cpu(cluster) - database)
        self.freeze()
        return turn

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.resume()
            self._process.kill()
            self._process.wait(START_TIMEOUT_SECONDS)


@contextmanager
def serving(app: str, folder: Path, variables: Mapping[str, str], **options: Any) -> Iterator[Server]:
    """A server, ready and frozen; stopped afterwards. Raises ServerFailed."""
    server = Server(app, folder, variables, **options)
    server.freeze()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def simulator_process(folder: Path, port: int, to: int, secret: str) -> Iterator[None]:
    """A WhatsApp simulator on this port that posts its webhooks to the port `to`."""
    own = {
        "PORT": str(port), "WEBHOOK_URL": f"http://127.0.0.1:{to}/webhooks/whatsapp", "APP_SECRET": secret,
        "VERIFY_TOKEN": "not-used-here", "ACCESS_TOKEN": "the-token",
    }  # fmt: skip
    with (folder / f"simulator-{port}.log").open("wb") as output:
        process = psutil.Popen(
            [sys.executable, "-m", "ava_whatsapp_simulator"],
            env={**os.environ, **{f"WHATSAPP_SIMULATOR_{name}": value for name, value in own.items()}},
            cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            preexec_fn=signal_on_parent_death(signal.SIGTERM),
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not _answers(f"http://127.0.0.1:{port}/healthz"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"the simulator did not start, see simulator-{port}.log")
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait(START_TIMEOUT_SECONDS)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU it has used, including its exited children."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def database_cpu(cluster: Cluster) -> float:
    """The same for PostgreSQL and all processes it has started."""
    time.sleep(0.1)  # processes that are just exiting are counted by the postmaster in a moment
    first = (cluster.data / "postmaster.pid").read_text().split("\n", 1)[0]
    postmaster = psutil.Process(int(first))
    total = cpu(postmaster)
    for child in postmaster.children():
        try:
            total += cpu(child)
        except psutil.NoSuchProcess:  # exited meanwhile: counted by its postmaster from now on
            continue
    return total
