"""How a process is started: command, environment, dependencies, readiness and stop signal."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ava_local.parent_death_signal import signal_on_parent_death
from ava_local.supervisor.log_files import rotate
from ava_local.supervisor.readiness_probes import Probe

AUTOGROUP = Path("/proc/self/autogroup")


@dataclass(frozen=True)
class ProcessSpec:
    """Everything the supervisor needs to know about one process.

    An exit code in `refusals` says that starting again does not help, such as that of invalid settings.

    The processes in `depends_on` must be ready before it starts; `is_one_shot` is a step that must exit with
    0; the kernel sends `parent_death_signal` if the supervisor is killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    ready: Probe | None = None
    depends_on: tuple[str, ...] = ()
    is_one_shot: bool = False
    refusals: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    parent_death_signal: signal.Signals = signal.SIGKILL
    niceness: int = 0
    popen_options: Mapping[str, Any] = field(default_factory=dict)


async def spawn(spec: ProcessSpec, log: Path) -> asyncio.subprocess.Process:
    """Start it in its own session (Ctrl-C reaches the supervisor only), with its output in `log`.

    Main thread only: the kernel ties `parent_death_signal` to the thread that forks. It is requested after
    the change of user, which would clear it.
    """
    rotate(log)
    options = {"cwd": log.parent, **spec.popen_options}
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *spec.command,
            env={**inherited_environment(), **spec.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=prepared(spec),
            **options,
        )


def prepared(spec: ProcessSpec) -> Callable[[], None]:
    """What the child does before the command."""
    watch_parent = signal_on_parent_death(spec.parent_death_signal)

    def prepare() -> None:
        watch_parent()
        if spec.niceness:
            give_way(spec.niceness)

    return prepare


def give_way(niceness: int) -> None:
    """Lower the priority of this process, and of its session: Linux may share the CPU between sessions."""
    os.nice(niceness)
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(niceness))


def inherited_environment() -> dict[str, str]:
    """The few variables of this terminal that every process gets."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
    known = {name: os.environ[name] for name in names if name in os.environ}
    return {"PATH": os.defpath, "PYTHONUNBUFFERED": "1", **known}
