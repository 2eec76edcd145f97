"""Real server processes on loopback, started as on a VPS; all except the measured one are frozen."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
_SERVING = ("--host", "127.0.0.1", "--no-access-log", "--no-server-header", "--timeout-keep-alive", "75")


class ServerFailed(ExpectedError):
    """A server exited or did not become ready; the message is the end of its log."""


class Server:
    """One uvicorn process; `python` may belong to another environment."""

    def __init__(
        self, app: str, folder: Path, variables: Mapping[str, str], ready: str, python: str = sys.executable
    ) -> None:
        self.port = free_port()
        factory = ["--factory"] if app.endswith(":build") else []
        self._log = folder / f"{app.split(':')[0]}-{self.port}.log"
        with self._log.open("wb") as output:
            self._process = psutil.Popen(
                [python, "-m", "uvicorn", *factory, app, "--port", str(self.port), *_SERVING],
                env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), **variables},
                cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=signal_on_parent_death(signal.SIGTERM),
            )  # fmt: skip
        self._wait(f"http://127.0.0.1:{self.port}{ready}")

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not _answers(url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServerFailed(self._log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def freeze(self) -> None:
        self._process.suspend()

    def take_turn(self, make: Callable[[], bytes], seconds: float, cluster: Cluster) -> Turn:
        """Measure it while all other servers are frozen."""
        self._process.resume()
        before, database = cpu(self._process), database_cpu(cluster)
        found = load_generator.generate_load(self.port, make, seconds)
        turn = Turn(found, cpu(self._process) - before, database_cpu(cluster) - database)
        self.freeze()
        return turn

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.resume()
            self._process.kill()
            self._process.wait(START_TIMEOUT_SECONDS)


@contextmanager
def serving(
    app: str,
    folder: Path,
    variables: Mapping[str, str],
    ready: str = "/healthz",
    python: str = sys.executable,
) -> Iterator[Server]:
    """A server, ready and frozen; stopped afterwards. Raises ServerFailed."""
    server = Server(app, folder, variables, ready, python)
    server.freeze()
    try:
        yield server
    finally:
        server.stop()


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
