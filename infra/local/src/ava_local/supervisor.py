"""Keeps a table of processes alive: starts them in order, restarts what falls, stops them in reverse."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ava_local.patience import Patience
from ava_local.process import Kept, Process, last_lines, spawn

TICK = 0.05
LOOK_EVERY = 0.2
PATIENCE = Patience()


class StartFailed(Exception):
    """A process did not come up; carries its name, what happened and its last lines."""

    def __init__(self, name: str, why: str, lines: list[str]) -> None:
        super().__init__(f"{name} {why}")
        self.name, self.why, self.lines = name, why, lines


class Supervisor:
    """`run()` until `stop()`; `changed` is called with every process whose state changed."""

    def __init__(
        self,
        processes: Sequence[Process],
        logs: Path,
        holds: Path,
        changed: Callable[[Kept], None] = lambda kept: None,
        patience: Patience = PATIENCE,
    ) -> None:
        self.kept = {process.name: Kept(process, logs / f"{process.name}.log") for process in processes}
        self.holds, self.changed, self.patience = holds, changed, patience
        self.ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failure: StartFailed | None = None

    async def run(self) -> None:
        """Start everything and stay until `stop()`; raises StartFailed when it never got ready."""
        async with asyncio.TaskGroup() as tasks:
            for kept in self.kept.values():
                tasks.create_task(self._keep(kept))
            tasks.create_task(self._announce())
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        self._stopping.set()

    async def _announce(self) -> None:
        for kept in self.kept.values():
            if not await self._before_stop(kept.is_ready):
                return
        self.ready.set()

    async def _keep(self, kept: Kept) -> None:
        """The life of one process, from its first start to the stop of the house."""
        try:
            while not self._stopping.is_set():
                if await self._may_start(kept):
                    await self._live_once(kept)
            await self._last_of_its_kind(kept)
        finally:
            await self._end(kept)
            kept.is_over.set()

    async def _may_start(self, kept: Kept) -> bool:
        while self._is_held(kept) and not self._stopping.is_set():
            self._note(kept, "held")
            await asyncio.sleep(TICK)
        needs = [self.kept[name].is_ready for name in kept.process.needs]
        return all([await self._before_stop(need) for need in needs]) and not self._stopping.is_set()

    async def _live_once(self, kept: Kept) -> None:
        """One start, until the process ends, is held, or the house stops."""
        self._note(kept, "starting")
        kept.starts += 1
        try:
            kept.running = await spawn(kept.process, kept.log)
        except OSError as error:
            return await self._after_failure(kept, f"cannot be started: {error}")
        kept.pid = kept.running.pid
        self._note(kept, "starting")
        if await self._came_up(kept):
            return await self._while_ready(kept)
        code = kept.running.returncode
        await self._end(kept)
        if not self._stopping.is_set() and not self._is_held(kept):
            late = f"was not ready within {self.patience.ready_within:.0f} s"
            await self._after_failure(kept, late if code is None else f"ended with {code}")
        return None

    async def _came_up(self, kept: Kept) -> bool:
        """Ready before it ended, before the time is up and before anybody wants it stopped."""
        assert kept.running
        deadline = time.monotonic() + self.patience.ready_within
        probe = kept.process.ready
        while not self._stopping.is_set() and not self._is_held(kept) and time.monotonic() < deadline:
            if kept.running.returncode is not None:
                return kept.process.once and kept.running.returncode == 0
            if not kept.process.once and (probe is None or await probe()) and kept.running.returncode is None:
                return True
            await asyncio.sleep(TICK)
        return False

    async def _while_ready(self, kept: Kept) -> None:
        assert kept.running
        kept.pid = None if kept.process.once else kept.pid
        self._note(kept, "done" if kept.process.once else "ready")
        kept.is_ready.set()
        if kept.process.once:
            await self._stopping.wait()
            return
        began = time.monotonic()
        await self._until_over(kept)
        if self._stopping.is_set():
            return
        kept.is_ready.clear()
        if time.monotonic() - began > self.patience.steady_after:
            kept.failures = 0
        if kept.running.returncode is None:
            await self._end(kept)
        else:
            await self._after_failure(kept, f"ended with {kept.running.returncode}")

    async def _until_over(self, kept: Kept) -> None:
        """Until it ended, or somebody wants it stopped."""
        assert kept.running
        ended = asyncio.ensure_future(kept.running.wait())
        while not ended.done() and not self._stopping.is_set() and not self._is_held(kept):
            await asyncio.wait({ended}, timeout=LOOK_EVERY)
        ended.cancel()

    async def _after_failure(self, kept: Kept, why: str) -> None:
        """Wait longer after each failure in a row; give up, for all to see, when it makes no sense."""
        kept.pid, kept.running = None, None
        kept.failures += 1
        if kept.failures < self.patience.tries(self.ready.is_set(), kept.process.once):
            self._note(kept, "restarting")
            await self._pause(self.patience.pause_after(kept.failures))
            return
        self._note(kept, "gave up")
        if not self.ready.is_set():
            self._failure = StartFailed(kept.process.name, why, last_lines(kept.log))
            self.stop()
        await self._stopping.wait()

    async def _last_of_its_kind(self, kept: Kept) -> None:
        """Whoever needs it stops first."""
        name = kept.process.name
        for other in self.kept.values():
            if name in other.process.needs:
                await other.is_over.wait()

    async def _end(self, kept: Kept) -> None:
        """Ask it to stop, then insist."""
        running = kept.running
        kept.is_ready.clear()
        if running and running.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                running.send_signal(kept.process.stops_with)
            try:
                await asyncio.wait_for(running.wait(), self.patience.stop_within)
            except TimeoutError:
                running.kill()
                await running.wait()
        kept.pid, kept.running = None, None
        if kept.state != "gave up":
            self._note(kept, "held" if self._is_held(kept) and not self._stopping.is_set() else "stopped")

    def _is_held(self, kept: Kept) -> bool:
        return (self.holds / kept.process.name).exists()

    async def _before_stop(self, event: asyncio.Event) -> bool:
        waiting = {asyncio.ensure_future(one.wait()) for one in (event, self._stopping)}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
        return event.is_set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _note(self, kept: Kept, state: str) -> None:
        if state == "starting" or kept.state != state:
            kept.state, kept.since = state, time.time()
            self.changed(kept)
