"""Starts processes in dependency order, restarts those that exit, and stops them in reverse order."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ava_local.expected_error import ExpectedError
from ava_local.supervisor.process_spec import ProcessSpec, spawn
from ava_local.supervisor.process_state import ProcessState
from ava_local.supervisor.restart_policy import RestartPolicy

START_POLL_SECONDS = 0.05
EXIT_POLL_SECONDS = 0.2
DEFAULT_RESTART_POLICY = RestartPolicy()


class StartFailed(ExpectedError):
    """A process did not start; has its name, the reason and its last log lines."""

    def __init__(self, name: str, reason: str, lines: list[str]) -> None:
        super().__init__(f"{name} {reason}")
        self.name, self.reason, self.lines = name, reason, lines


class Supervisor:
    """`run()` until `stop()`; `on_state_change` is called with every process whose state changed."""

    def __init__(
        self,
        processes: Sequence[ProcessSpec],
        logs_dir: Path,
        disabled_dir: Path,
        on_state_change: Callable[[ProcessState], None] = lambda process: None,
        restart_policy: RestartPolicy = DEFAULT_RESTART_POLICY,
    ) -> None:
        self.supervised = {spec.name: ProcessState(spec, logs_dir) for spec in processes}
        self.disabled_dir, self.on_state_change = disabled_dir, on_state_change
        self.restart_policy = restart_policy
        self.ready, self._stopping = asyncio.Event(), asyncio.Event()
        self._failure: StartFailed | None = None

    async def run(self) -> None:
        """Start everything and run until `stop()`. Raises StartFailed if a process never became ready."""
        async with asyncio.TaskGroup() as tasks:
            for process in self.supervised.values():
                tasks.create_task(self._supervise(process))
            tasks.create_task(self._announce())
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        self._stopping.set()

    async def _announce(self) -> None:
        for process in self.supervised.values():
            if not await self._wait_unless_stopping(process.is_ready):
                return
        self.ready.set()

    async def _supervise(self, process: ProcessState) -> None:
        """Look after one process, from its first start until the stack stops."""
        try:
            while not self._stopping.is_set():
                if await self._wait_until_startable(process):
                    await self._run_once(process)
            await self._wait_for_dependants(process)
        finally:
            await self._terminate(process)
            process.has_stopped.set()

    async def _wait_until_startable(self, process: ProcessState) -> bool:
        while self._is_disabled(process) and not self._stopping.is_set():
            self._set_state(process, "disabled")
            await asyncio.sleep(START_POLL_SECONDS)
        dependencies = [self.supervised[name].is_ready for name in process.spec.depends_on]
        return (
            all([await self._wait_unless_stopping(is_ready) for is_ready in dependencies])
            and not self._stopping.is_set()
        )

    async def _run_once(self, process: ProcessState) -> None:
        """Start it once, until it exits, is disabled, or the stack stops."""
        self._set_state(process, "starting")
        process.count_start()
        try:
            process.os_process = await spawn(process.spec, process.log)
        except OSError as error:
            return await self._after_failure(process, f"could not be started: {error}")
        process.pid = process.os_process.pid
        self._set_state(process, "starting")
        if await self._becomes_ready(process):
            return await self._while_ready(process)
        code = process.os_process.returncode
        await self._terminate(process)
        if not self._stopping.is_set() and not self._is_disabled(process):
            late = f"was not ready within {self.restart_policy.ready_timeout_seconds:.0f} s"
            await self._after_failure(process, late if code is None else f"exited with code {code}", code)
        return None

    async def _becomes_ready(self, process: ProcessState) -> bool:
        """Whether it is ready before it exits, has to stop, or times out without saying what it waits for."""
        assert process.os_process
        patience = self.restart_policy.ready_timeout_seconds
        deadline = time.monotonic() + patience
        while not self._stopping.is_set() and not self._is_disabled(process) and time.monotonic() < deadline:
            if process.os_process.returncode is not None:
                return process.spec.is_one_shot and process.os_process.returncode == 0
            if await process.ask(self.on_state_change) and process.os_process.returncode is None:
                return True
            deadline = time.monotonic() + patience if process.words else deadline
            await asyncio.sleep(process.poll_seconds)
        return False

    async def _while_ready(self, process: ProcessState) -> None:
        assert process.os_process
        process.pid = None if process.spec.is_one_shot else process.pid
        self._set_state(process, "done" if process.spec.is_one_shot else "ready")
        process.is_ready.set()
        if process.spec.is_one_shot:
            await self._stopping.wait()
            return
        began = time.monotonic()
        await self._wait_for_exit_or_stop(process)
        if self._stopping.is_set():
            return
        process.is_ready.clear()
        if time.monotonic() - began > self.restart_policy.stable_after_seconds:
            process.failures = 0
        if process.os_process.returncode is None:
            await self._terminate(process)
        else:
            code = process.os_process.returncode
            await self._after_failure(process, f"exited with code {code}", code)

    async def _wait_for_exit_or_stop(self, process: ProcessState) -> None:
        """Wait until it exits or has to stop."""
        assert process.os_process
        ended = asyncio.ensure_future(process.os_process.wait())
        while not ended.done() and not self._stopping.is_set() and not self._is_disabled(process):
            await asyncio.wait({ended}, timeout=EXIT_POLL_SECONDS)
        ended.cancel()

    async def _after_failure(self, process: ProcessState, reason: str, code: int | None = None) -> None:
        """Wait before the next start, longer after each failure; after the last one until it is disabled."""
        process.pid, process.os_process, process.failures = None, None, process.failures + 1
        attempts = self.restart_policy.max_attempts(self.ready.is_set(), process.spec.is_one_shot)
        if process.failures < attempts and code not in process.spec.refusals:
            self._set_state(process, "restarting")
            await self._pause(self.restart_policy.delay_after(process.failures))
            return
        self._set_state(process, "failed")
        if not self.ready.is_set():
            self._failure = StartFailed(process.spec.name, reason, process.last_lines())
            self.stop()
        while not self._stopping.is_set() and not self._is_disabled(process):
            await self._pause(START_POLL_SECONDS)

    async def _wait_for_dependants(self, process: ProcessState) -> None:
        """Processes that depend on it stop first."""
        for other in self.supervised.values():
            if process.spec.name in other.spec.depends_on:
                await other.has_stopped.wait()

    async def _terminate(self, process: ProcessState) -> None:
        """Ask it to stop, and kill it after the timeout."""
        running = process.os_process
        process.is_ready.clear()
        if running and running.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                running.send_signal(process.spec.stop_signal)
            try:
                await asyncio.wait_for(running.wait(), self.restart_policy.stop_timeout_seconds)
            except TimeoutError:
                running.kill()
                await running.wait()
        process.pid, process.os_process, process.words = None, None, ""
        if process.state != "failed":
            is_disabled = self._is_disabled(process) and not self._stopping.is_set()
            self._set_state(process, "disabled" if is_disabled else "stopped")

    def _is_disabled(self, process: ProcessState) -> bool:
        return (self.disabled_dir / process.spec.name).exists()

    async def _wait_unless_stopping(self, event: asyncio.Event) -> bool:
        waiting = {asyncio.ensure_future(one.wait()) for one in (event, self._stopping)}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
        return event.is_set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _set_state(self, process: ProcessState, state: str) -> None:
        if state == "starting" or process.state != state:
            process.state, process.since = state, time.time()
            self.on_state_change(process)
