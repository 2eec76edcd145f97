"""A supervisor of a few real processes, with every state change recorded."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from ava_local.ports import free_port
from ava_local.supervisor import readiness_probes
from ava_local.supervisor.process_spec import ProcessSpec
from ava_local.supervisor.process_state import ProcessState
from ava_local.supervisor.restart_policy import RestartPolicy
from ava_local.supervisor.supervisor import Supervisor

QUICK = RestartPolicy(
    initial_delay_seconds=0.02,
    max_delay_seconds=0.05,
    max_attempts_later=4,
    ready_timeout_seconds=60,
    stop_timeout_seconds=0.5,
)


def web(name: str, *depends_on: str) -> ProcessSpec:
    """A process that is ready once it listens."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    return ProcessSpec(name, command, port=port, ready=readiness_probes.tcp(port), depends_on=depends_on)


def python(name: str, code: str, **more: Any) -> ProcessSpec:
    return ProcessSpec(name, [sys.executable, "-c", code], **more)


class RecordedSupervisor:
    """A running supervisor and its state changes, as (name, state)."""

    def __init__(self, folder: Path, *processes: ProcessSpec) -> None:
        self.state_changes: list[tuple[str, str]] = []
        self.disabled_dir = folder / "disabled"
        self.disabled_dir.mkdir()
        self.supervisor = Supervisor(processes, folder, self.disabled_dir, self._record, QUICK)
        self.run = asyncio.create_task(self.supervisor.run())

    def _record(self, process: ProcessState) -> None:
        self.state_changes.append((process.spec.name, process.state))

    def process(self, name: str) -> ProcessState:
        return self.supervisor.supervised[name]

    def pid(self, name: str) -> int:
        pid = self.process(name).pid
        assert pid
        return pid

    async def ready(self) -> None:
        """Raises what the run raised if it ended before it was ready."""
        waiting = asyncio.create_task(self.supervisor.ready.wait())
        await asyncio.wait({waiting, self.run}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        if self.run.done():
            self.run.result()
        assert waiting.done(), self.state_changes

    async def stop(self) -> None:
        self.supervisor.stop()
        await asyncio.wait({self.run}, timeout=60)


@pytest_asyncio.fixture
async def run_supervisor(processes: None, tmp_path: Path) -> AsyncIterator[Callable[..., RecordedSupervisor]]:
    started: list[RecordedSupervisor] = []

    def start(*processes: ProcessSpec) -> RecordedSupervisor:
        started.append(RecordedSupervisor(tmp_path, *processes))
        return started[-1]

    yield start
    for supervisor in started:
        await supervisor.stop()
