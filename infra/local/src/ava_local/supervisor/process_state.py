"""A process under supervision: its state, and what its supervisor knows about it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from ava_local.supervisor.log_files import last_lines
from ava_local.supervisor.process_spec import ProcessSpec

START_POLL_SECONDS = 0.05
WAITING_POLL_SECONDS = 0.5


class ProcessState:
    """States: waiting, starting, ready, done, disabled, restarting, failed, stopped."""

    def __init__(self, spec: ProcessSpec, logs_dir: Path) -> None:
        self.spec, self.log = spec, logs_dir / f"{spec.name}.log"
        self.state, self.since = "waiting", time.time()
        self.words = ""
        """What its readiness check says: what it waits for, or what is degraded."""
        self.pid: int | None = None
        self.starts = self.failures = self._log_start = 0
        self.is_ready = asyncio.Event()
        self.has_stopped = asyncio.Event()
        self.os_process: asyncio.subprocess.Process | None = None

    def count_start(self) -> None:
        """Note where the log of this start begins: earlier ones are no news."""
        self.starts += 1
        self._log_start = self.log.stat().st_size if self.log.exists() else 0

    def last_lines(self) -> list[str]:
        """The end of what it logged since its last start."""
        return last_lines(self.log, since=self._log_start)

    @property
    def poll_seconds(self) -> float:
        """Until it is asked again; one that says what it waits for is asked less often."""
        return WAITING_POLL_SECONDS if self.words else START_POLL_SECONDS

    async def ask(self, on_change: Callable[["ProcessState"], None]) -> bool:
        """Whether it is ready; `on_change` is called when it says something else of what it waits for."""
        if self.spec.is_one_shot:
            return False
        if self.spec.ready is None:
            return True
        heard = await self.spec.ready()
        is_news = heard.words != self.words
        self.words = heard.words
        if is_news and not heard.is_ready:
            on_change(self)
        return heard.is_ready
