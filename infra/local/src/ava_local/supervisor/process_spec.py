"""One process of the house: what it is, how it starts, how it ends with its supervisor."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ava_local.parent_death_signal import signal_on_parent_death
from ava_local.supervisor.log_files import rotate
from ava_local.supervisor.readiness_probes import Probe


@dataclass(frozen=True)
class ProcessSpec:
    """A row of the house's table.

    `needs` are names of processes that must be ready before it starts; `once` is a step that must end
    with 0 instead of running; `dies_with` is the signal the kernel sends should the supervisor be killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    ready: Probe | None = None
    depends_on: tuple[str, ...] = ()
    is_one_shot: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    parent_death_signal: signal.Signals = signal.SIGKILL
    popen_options: Mapping[str, Any] = field(default_factory=dict)


async def spawn(spec: ProcessSpec, log: Path) -> asyncio.subprocess.Process:
    """Start it in its own session (a Ctrl-C reaches the supervisor only), its output going to `log`.

    Main thread only: the kernel ties `dies_with` to the thread that forks. It is asked for after the change
    of user, which would clear it.
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
            preexec_fn=signal_on_parent_death(spec.parent_death_signal),
            **options,
        )


def inherited_environment() -> dict[str, str]:
    """The few variables of this terminal that every program may see."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
    known = {name: os.environ[name] for name in kept if name in os.environ}
    return {"PATH": os.defpath, "PYTHONUNBUFFERED": "1", **known}
