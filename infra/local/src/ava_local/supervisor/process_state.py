"""A process under supervision: its state, and what its supervisor knows about it."""

import asyncio
import time
from pathlib import Path

from ava_local.supervisor.process_spec import ProcessSpec


class SupervisedProcess:
    """States: waiting, starting, ready, done, disabled, restarting, failed, stopped."""

    def __init__(self, spec: ProcessSpec, logs_dir: Path) -> None:
        self.spec, self.log = spec, logs_dir / f"{spec.name}.log"
        self.state, self.since = "waiting", time.time()
        self.pid: int | None = None
        self.starts = self.failures = 0
        self.is_ready = asyncio.Event()
        self.has_stopped = asyncio.Event()
        self.os_process: asyncio.subprocess.Process | None = None
