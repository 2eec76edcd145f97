"""Controls a whole stack from Python: start, stop, kill, disable and query it; for tests, demo and chaos."""

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
from ava_local.ports import parse_base_port
from ava_local.postgres.cluster import Cluster
from ava_local.stack import preflight, status_file
from ava_local.stack.environment import Environment, user_variables
from ava_local.stack.layout import STATUS_FILE, StackLayout, running_port
from ava_local.stack.secrets_file import StackSecrets, load_or_create

START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 60.0


class StackNotRunning(ExpectedError):
    """The stack is not running, did not start or did not stop in time; the message says which."""


class Stack:
    """The stack in `state_dir` on `port` and the seven ports after it.

    `start` runs a supervisor that ends with this process, even by SIGKILL. All methods block (use
    `asyncio.to_thread` in an event loop) and also work on a stack that another process started.
    `variables` are passed to the services and replace the stack's own values.
    """

    def __init__(
        self,
        state_dir: Path | None = None,
        port: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        if state_dir is None:
            found = StackLayout.from_environment()
            self.layout = StackLayout(found.state_dir, port or found.base_port)
        else:
            running = running_port(state_dir / STATUS_FILE)
            self.layout = StackLayout(
                state_dir, port or running or parse_base_port(os.environ.get("AVA_PORT"))
            )
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
        """The URL people open: the web form, through Caddy."""
        return self.layout.public_url

    @property
    def simulator_url(self) -> str:
        """The URL of the WhatsApp simulator."""
        return self.layout.url_of("whatsapp-simulator")

    def url(self, process: str) -> str:
        """The URL of one process, bypassing Caddy."""
        return self.layout.url_of(process)

    @property
    def secrets(self) -> StackSecrets:
        return load_or_create(self.layout.state_dir / "secrets.json")

    def database_url(self, role: str | None = None) -> str:
        """The login URL of a role, or of the administrator."""
        environment = Environment(self.layout, self.secrets, {**user_variables(), **self.variables})
        return environment.database_url(role) if role else environment.admin_database_url()

    def status(self) -> status_file.StackStatus | None:
        """The current status, or None if the stack is not running."""
        return status_file.read_current(self.layout)

    def start(self) -> None:
        """Start everything; ready on return. Raises StackNotRunning with what went wrong."""
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
        self._wait(self._has_started, START_TIMEOUT_SECONDS, "Ava was not ready")

    def stop(self) -> None:
        """Stop everything in order; stopped on return."""
        found = self.status()
        if found:
            os.kill(found.pid, signal.SIGTERM)
            self._wait(lambda: self.status() is None, STOP_TIMEOUT_SECONDS, "Ava did not stop")
        if self._supervisor:
            with contextlib.suppress(BrokenPipeError):
                self._supervisor.communicate(timeout=STOP_TIMEOUT_SECONDS)
            self._supervisor = None

    def delete_data(self) -> None:
        """Delete all data of a stopped stack, including PostgreSQL's fallback folder; nothing else."""
        preflight.kill_leftover_processes(self.layout)
        Cluster(self.layout.state_dir / "postgres", self.layout.port_of("postgres")).destroy()
        self.layout.delete_files()

    def pid(self, process: str) -> int:
        """The pid of a process. Raises StackNotRunning if it is not running."""
        found = self.status()
        pid = found.process(process).pid if found else None
        if pid is None:
            raise StackNotRunning(f"{process} is not running")
        return pid

    def kill(self, process: str, signal_number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a process and return its pid at that moment; the supervisor restarts it."""
        pid = self.pid(process)
        os.kill(pid, signal_number)
        return pid

    def restart(self, process: str) -> None:
        """Restart a process cleanly; ready on return."""
        self.disable(process)
        self.enable(process)

    def disable(self, process: str) -> None:
        """Stop a process and keep it stopped; stopped on return."""
        (self.layout.disabled_dir / process).touch()
        self._wait(
            lambda: self._state(process) == "disabled", STOP_TIMEOUT_SECONDS, f"{process} did not stop"
        )

    def enable(self, process: str) -> None:
        """Let a disabled process run again; ready on return."""
        (self.layout.disabled_dir / process).unlink(missing_ok=True)
        self.wait_ready(process)

    def wait_ready(self, *processes: str, since: int | None = None) -> None:
        """Wait until these processes (default: all) are ready; the pid `since` does not count."""

        def are_ready() -> bool:
            found = self.status()
            rows = [row for row in found.processes if not processes or row.name in processes] if found else []
            return bool(rows) and all(row.is_ready and (since is None or row.pid != since) for row in rows)

        self._wait(are_ready, START_TIMEOUT_SECONDS, f"{', '.join(processes) or 'Ava'} was not ready")

    def log_text(self, process: str) -> str:
        """Everything this process has logged so far."""
        path = self.layout.logs_dir / f"{process}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _state(self, process: str) -> str:
        found = self.status()
        return found.process(process).state if found else "stopped"

    def _has_started(self) -> bool:
        found = self.status()
        if self._supervisor and self._supervisor.poll() is not None:
            output = (self.layout.state_dir / "supervisor.log").read_text(errors="replace")
            raise StackNotRunning(f"Ava did not start:\n{output.strip()}")
        return found is not None and found.is_ready

    def _wait(self, condition: Callable[[], bool], seconds: float, problem: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                rows = found.processes if (found := self.status()) else ()
                words = "".join(f"\n{row.name}: {row.words}" for row in rows if row.words)
                raise StackNotRunning(f"{problem} within {seconds:.0f} s{words}")
            time.sleep(0.05)
