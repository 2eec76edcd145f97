"""What the supervisor says of itself in a file, for `./ava status`, tests and the next start."""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from ava_local.places import Places
from ava_local.process import Kept


@dataclass(frozen=True)
class Row:
    """One process: `since` and `born` (the kernel's start time, to tell a reused pid) are unix seconds."""

    name: str
    state: str
    port: int | None
    pid: int | None
    born: float | None
    since: float
    restarts: int

    @property
    def is_fine(self) -> bool:
        return self.state in ("ready", "done")


@dataclass(frozen=True)
class Status:
    """The house as its supervisor last described it."""

    pid: int
    born: float | None
    port: int
    rows: tuple[Row, ...]

    @property
    def is_ready(self) -> bool:
        return all(row.is_fine for row in self.rows)

    def row(self, name: str) -> Row:
        """Raises KeyError for a process this house does not have."""
        return {row.name: row for row in self.rows}[name]


class AlreadyUp(Exception):
    """This house is running already."""


def write(places: Places, kept: Iterable[Kept]) -> None:
    """Replace the file whole, so that readers never see half of it."""
    rows = [asdict(row_of(one)) for one in kept]
    draft = places.status.with_suffix(".new")
    me = {"pid": os.getpid(), "born": born(os.getpid()), "port": places.port}
    draft.write_text(json.dumps({**me, "rows": rows}, indent=1))
    draft.replace(places.status)


def row_of(kept: Kept) -> Row:
    process, restarts = kept.process, max(0, kept.starts - 1)
    return Row(process.name, kept.state, process.port, kept.pid, born(kept.pid), kept.since, restarts)


def last(places: Places) -> Status | None:
    """The last description, whether or not its supervisor still lives."""
    try:
        found = json.loads(places.status.read_text())
        return Status(found["pid"], found["born"], found["port"], tuple(Row(**row) for row in found["rows"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def current(places: Places) -> Status | None:
    """The description of a house that is up; None when it is down."""
    found = last(places)
    return found if found and found.born and born(found.pid) == found.born else None


def take_lock(places: Places) -> int:
    """Hold the house for as long as this process lives; raises AlreadyUp."""
    descriptor = os.open(lock_file(places), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyUp from None
    return descriptor


def lock_file(places: Places) -> Path:
    return places.state / "supervisor.lock"


def born(pid: int | None) -> float | None:
    """When the kernel started this process; None when it is gone, or ended and only not yet buried."""
    try:
        process = psutil.Process(pid) if pid else None
        return process.create_time() if process and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
