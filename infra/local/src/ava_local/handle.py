"""A house as a library: for tests, for the demo and for whoever wants to break it on purpose."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ava_local import arrival, status
from ava_local.environment import Environment, given
from ava_local.places import Places
from ava_local.postgres import Cluster
from ava_local.secrets import Secrets, keep

START_WITHIN = 120.0
STOP_WITHIN = 60.0


class HouseDown(Exception):
    """The house is not up, or did not come up; the message holds its last words."""


class House:
    """One house in `state_dir` on `port` and the seven ports above.

    `start` runs a supervisor that ends with this process, even by SIGKILL. Everything here is plain blocking
    code (use `asyncio.to_thread` inside a loop) and also works on a house that somebody else started.
    `variables` reach the rooms: a name of theirs replaces the house's own value.
    """

    def __init__(
        self,
        state_dir: Path | None = None,
        port: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        chosen = Places.chosen()
        self.places = Places(state_dir or chosen.state, port or chosen.port)
        self.variables = dict(variables or {})
        self._supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def form(self) -> str:
        """The address of the web form, through Caddy."""
        return self.places.form

    @property
    def phone(self) -> str:
        """The address of the phone simulator."""
        return self.places.url_of("whatsapp-simulator")

    def url(self, process: str) -> str:
        """The address of one process, past Caddy."""
        return self.places.url_of(process)

    @property
    def secrets(self) -> Secrets:
        return keep(self.places.state / "secrets.json")

    def database_url(self, role: str | None = None) -> str:
        """The login URL of a role; without one, the administrator's."""
        environment = Environment(self.places, self.secrets, {**given(), **self.variables})
        return environment.database_url(role) if role else environment.administrator()

    def status(self) -> status.Status | None:
        """None when the house is down."""
        return status.current(self.places)

    def start(self) -> None:
        """Up and ready at return. Raises HouseDown with what went wrong."""
        words = self.places.state / "supervisor.log"
        self.places.make()
        with words.open("wb") as output:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "ava_local", "up", "--while-stdin-open"],
                env={
                    **os.environ,
                    **self.variables,
                    "AVA_STATE_DIR": str(self.places.state),
                    "AVA_PORT": str(self.places.port),
                },
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait(self._is_up, START_WITHIN, "did not get ready")

    def stop(self) -> None:
        """Down at return, everything stopped in order."""
        found = self.status()
        if found:
            os.kill(found.pid, signal.SIGTERM)
            self._wait(lambda: self.status() is None, STOP_WITHIN, "did not stop")
        if self._supervisor:
            with contextlib.suppress(BrokenPipeError):
                self._supervisor.communicate(timeout=STOP_WITHIN)
            self._supervisor = None

    def forget(self) -> None:
        """Delete everything a stopped house kept, also the data that had to live elsewhere; nothing else."""
        arrival.sweep(self.places)
        Cluster(self.places.state / "postgres", self.places.port_of("postgres")).destroy()
        self.places.clear()

    def pid(self, process: str) -> int:
        """Raises HouseDown when that process does not run now."""
        found = self.status()
        pid = found.row(process).pid if found else None
        if pid is None:
            raise HouseDown(f"{process} is not running")
        return pid

    def kill(self, process: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process and return its pid at that moment; the supervisor starts it again."""
        pid = self.pid(process)
        os.kill(pid, how)
        return pid

    def restart(self, process: str) -> None:
        """A clean restart of one process; ready at return."""
        self.hold(process)
        self.release(process)

    def hold(self, process: str) -> None:
        """Stop one process and keep it stopped; stopped at return."""
        (self.places.holds / process).touch()
        self._wait(lambda: self._state(process) == "held", STOP_WITHIN, f"{process} did not stop")

    def release(self, process: str) -> None:
        """Let a held process run again; ready at return."""
        (self.places.holds / process).unlink(missing_ok=True)
        self.wait_ready(process)

    def wait_ready(self, *processes: str, since: int | None = None) -> None:
        """Until these processes (all, when none is named) are ready; not counting the pid `since`."""

        def arrived() -> bool:
            found = self.status()
            rows = [row for row in found.rows if not processes or row.name in processes] if found else []
            return bool(rows) and all(row.is_fine and (since is None or row.pid != since) for row in rows)

        self._wait(arrived, START_WITHIN, f"{', '.join(processes) or 'the house'} did not get ready")

    def log(self, process: str) -> str:
        """Everything this process said so far."""
        path = self.places.logs / f"{process}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _state(self, process: str) -> str:
        found = self.status()
        return found.row(process).state if found else "down"

    def _is_up(self) -> bool:
        found = self.status()
        if self._supervisor and self._supervisor.poll() is not None:
            words = (self.places.state / "supervisor.log").read_text(errors="replace")
            raise HouseDown(f"the house did not come up:\n{words.strip()}")
        return found is not None and found.is_ready

    def _wait(self, arrived: Callable[[], bool], seconds: float, complaint: str) -> None:
        deadline = time.monotonic() + seconds
        while not arrived():
            if time.monotonic() > deadline:
                raise HouseDown(f"{complaint} within {seconds:.0f} s")
            time.sleep(0.05)
