"""The status file: written by the supervisor, read by `./ava status`, tests and the next start."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ava_local.stack.layout import StackLayout, create_time
from ava_local.supervisor.process_state import ProcessState


@dataclass(frozen=True)
class ProcessStatus:
    """One process; `since` and `born` (its start time, to recognise a reused pid) are Unix seconds.

    `words`: what it waits for, or what is degraded.
    """

    name: str
    state: str
    port: int | None
    pid: int | None
    born: float | None
    since: float
    restarts: int
    words: str = ""

    @property
    def is_ready(self) -> bool:
        return self.state in ("ready", "done")


@dataclass(frozen=True)
class StackStatus:
    """The stack as its supervisor last described it."""

    pid: int
    born: float | None
    port: int
    processes: tuple[ProcessStatus, ...]

    @property
    def is_ready(self) -> bool:
        return all(row.is_ready for row in self.processes)

    def process(self, name: str) -> ProcessStatus:
        """Raises KeyError for a process this stack does not have."""
        return {row.name: row for row in self.processes}[name]


def write(layout: StackLayout, processes: Iterable[ProcessState]) -> None:
    """Replace the file in one step, so that readers never see half of it."""
    rows = [asdict(status_of(process)) for process in processes]
    draft = layout.status_file.with_suffix(".new")
    own = {"pid": os.getpid(), "born": create_time(os.getpid()), "port": layout.base_port}
    draft.write_text(json.dumps({**own, "rows": rows}, indent=1))
    draft.replace(layout.status_file)


def status_of(process: ProcessState) -> ProcessStatus:
    spec, restarts = process.spec, max(0, process.starts - 1)
    born = create_time(process.pid)
    return ProcessStatus(
        spec.name, process.state, spec.port, process.pid, born, process.since, restarts, process.words
    )


def read_last(layout: StackLayout) -> StackStatus | None:
    """The last status, whether or not its supervisor is still running."""
    try:
        found = json.loads(layout.status_file.read_text())
        return StackStatus(
            found["pid"], found["born"], found["port"], tuple(ProcessStatus(**row) for row in found["rows"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_current(layout: StackLayout) -> StackStatus | None:
    """The status of a running stack; None if it is not running."""
    found = read_last(layout)
    return found if found and found.born and create_time(found.pid) == found.born else None
