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

from ava_local.expected_error import ExpectedError
from ava_local.postgres.cluster import Cluster
from ava_local.stack import preflight, status_file
from ava_local.stack.environment import Environment, user_variables
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import StackSecrets, load_or_create

START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 30.0


class StackNotRunning(ExpectedError):
    """The house is not up, or did not come up; the message holds its last words."""


class Stack:
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
        chosen = StackLayout.from_environment()
        self.layout = StackLayout(state_dir or chosen.state_dir, port or chosen.base_port)
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
    def public_url(self) -> str:
        """The address of the web form, through Caddy."""
        return self.layout.public_url

    @property
    def simulator_url(self) -> str:
        """The address of the phone simulator."""
        return self.layout.url_of("whatsapp-simulator")

    def url(self, process: str) -> str:
        """The address of one process, past Caddy."""
        return self.layout.url_of(process)

    @property
    def secrets(self) -> StackSecrets:
        return load_or_create(self.layout.state_dir / "secrets.json")

    def database_url(self, role: str | None = None) -> str:
        """The login URL of a role; without one, the administrator's."""
        environment = Environment(self.layout, self.secrets, {**user_variables(), **self.variables})
        return environment.database_url(role) if role else environment.admin_database_url()

    def status(self) -> status_file.StackStatus | None:
        """None when the house is down."""
        return status_file.read_current(self.layout)

    def start(self) -> None:
        """Up and ready at return. Raises HouseDown with what went wrong."""
        log = self.layout.state_dir / "supervisor.log"
        self.layout.create_folders()
        with log.open("wb") as output:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "ava_local", "up", "--while-stdin-open"],
                env={
                    **os.environ,
                    **self.variables,
                    "AVA_STATE_DIR": str(self.layout.state_dir),
                    "AVA_PORT": str(self.layout.base_port),
                },
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait(self._has_started, START_TIMEOUT_SECONDS, "did not get ready")

    def stop(self) -> None:
        """Down at return, everything stopped in order."""
        found = self.status()
        if found:
            os.kill(found.pid, signal.SIGTERM)
            self._wait(lambda: self.status() is None, STOP_TIMEOUT_SECONDS, "did not stop")
        if self._supervisor:
            with contextlib.suppress(BrokenPipeError):
                self._supervisor.communicate(timeout=STOP_TIMEOUT_SECONDS)
            self._supervisor = None

    def delete_data(self) -> None:
        """Delete everything a stopped house kept, also the data that had to live elsewhere; nothing else."""
        preflight.kill_leftover_processes(self.layout)
        Cluster(self.layout.state_dir / "postgres", self.layout.port_of("postgres")).destroy()
        self.layout.delete_files()

    def pid(self, process: str) -> int:
        """Raises HouseDown when that process does not run now."""
        found = self.status()
        pid = found.process(process).pid if found else None
        if pid is None:
            raise StackNotRunning(f"{process} is not running")
        return pid

    def kill(self, process: str, signal_number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process and return its pid at that moment; the supervisor starts it again."""
        pid = self.pid(process)
        os.kill(pid, signal_number)
        return pid

    def restart(self, process: str) -> None:
        """A clean restart of one process; ready at return."""
        self.disable(process)
        self.enable(process)

    def disable(self, process: str) -> None:
        """Stop one process and keep it stopped; stopped at return."""
        (self.layout.disabled_dir / process).touch()
        self._wait(lambda: self._state(process) == "held", STOP_TIMEOUT_SECONDS, f"{process} did not stop")

    def enable(self, process: str) -> None:
        """Let a held process run again; ready at return."""
        (self.layout.disabled_dir / process).unlink(missing_ok=True)
        self.wait_ready(process)

    def wait_ready(self, *processes: str, since: int | None = None) -> None:
        """Until these processes (all, when none is named) are ready; not counting the pid `since`."""

        def are_ready() -> bool:
            found = self.status()
            rows = [row for row in found.processes if not processes or row.name in processes] if found else []
            return bool(rows) and all(row.is_ready and (since is None or row.pid != since) for row in rows)

        self._wait(
            are_ready, START_TIMEOUT_SECONDS, f"{', '.join(processes) or 'the house'} did not get ready"
        )

    def log_text(self, process: str) -> str:
        """Everything this process said so far."""
        path = self.layout.logs_dir / f"{process}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _state(self, process: str) -> str:
        found = self.status()
        return found.process(process).state if found else "down"

    def _has_started(self) -> bool:
        found = self.status()
        if self._supervisor and self._supervisor.poll() is not None:
            words = (self.layout.state_dir / "supervisor.log").read_text(errors="replace")
            raise StackNotRunning(f"the house did not come up:\n{words.strip()}")
        return found is not None and found.is_ready

    def _wait(self, condition: Callable[[], bool], seconds: float, complaint: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise StackNotRunning(f"{complaint} within {seconds:.0f} s")
            time.sleep(0.05)
