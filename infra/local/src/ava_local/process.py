"""One process of the house: what it is, how it starts, how it ends with its supervisor."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ava_local.postgres import dies_with_parent
from ava_local.probes import Probe

LOG_LIMIT = 20 * 1024 * 1024


@dataclass(frozen=True)
class Process:
    """A row of the house's table.

    `needs` are names of processes that must be ready before it starts; `once` is a step that must end
    with 0 instead of running; `dies_with` is the signal the kernel sends should the supervisor be killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    ready: Probe | None = None
    needs: tuple[str, ...] = ()
    once: bool = False
    stops_with: signal.Signals = signal.SIGTERM
    dies_with: signal.Signals = signal.SIGKILL
    options: Mapping[str, Any] = field(default_factory=dict)


class Kept:
    """A process under supervision.

    States: waiting, starting, ready, done, held, restarting, gave up, stopped.
    """

    def __init__(self, process: Process, log: Path) -> None:
        self.process, self.log = process, log
        self.state, self.since = "waiting", time.time()
        self.pid: int | None = None
        self.starts = self.failures = 0
        self.is_ready = asyncio.Event()
        self.is_over = asyncio.Event()
        self.running: asyncio.subprocess.Process | None = None


async def spawn(process: Process, log: Path) -> asyncio.subprocess.Process:
    """Start it in its own session (a Ctrl-C reaches the supervisor only), its output going to `log`.

    Main thread only: the kernel ties `dies_with` to the thread that forks. It is asked for after the change
    of user, which would clear it.
    """
    rotate(log)
    options = {"cwd": log.parent, **process.options}
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *process.command,
            env={**surroundings(), **process.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=dies_with_parent(process.dies_with),
            **options,
        )


def surroundings() -> dict[str, str]:
    """The few variables of this terminal that every program may see."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
    known = {name: os.environ[name] for name in kept if name in os.environ}
    return {"PATH": os.defpath, "PYTHONUNBUFFERED": "1", **known}


def rotate(log: Path) -> None:
    """Keep one older log beside the current one, so that logs never fill the disk unseen."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def last_lines(log: Path, count: int = 12) -> list[str]:
    """The end of a log, for the moment something went wrong."""
    if not log.exists():
        return []
    with log.open("rb") as text:
        text.seek(max(0, log.stat().st_size - 16_384))
        return text.read().decode(errors="replace").splitlines()[-count:]
