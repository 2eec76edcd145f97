"""One run of a stack in the foreground, from taking the lock to the last process stopped."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ava_local.stack import code_reload, definition, instance_lock, preflight, status_file
from ava_local.stack.environment import Environment, user_variables
from ava_local.stack.interruption import Interruption
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import create_apart, load_or_create
from ava_local.supervisor.process_spec import ProcessSpec
from ava_local.supervisor.process_state import ProcessState
from ava_local.supervisor.supervisor import Supervisor

OnStateChange = Callable[[ProcessState], None]


def run_stack(
    layout: StackLayout,
    on_state_change: OnStateChange,
    on_ready: Callable[[], None],
    on_warning: Callable[[str], None],
    while_stdin_open: bool = False,
    watched: Mapping[str, Sequence[Path]] = MappingProxyType({}),
) -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP or, with `while_stdin_open`, the end of stdin.

    `watched` are folders by process: it is restarted when Python code in one of them changes.
    Raises AlreadyRunning, PortInUse, MissingVariables, InvalidVariables, StartFailed, and what Cluster.create
    raises.
    """
    layout.create_folders()
    descriptor = instance_lock.acquire(layout)
    try:
        with Interruption() as interruption:
            processes = prepare_start(layout, on_warning)
            said = on_state_change, on_ready
            asyncio.run(supervise(layout, processes, *said, interruption, while_stdin_open, watched))
    finally:
        os.close(descriptor)


def prepare_start(layout: StackLayout, on_warning: Callable[[str], None]) -> list[ProcessSpec]:
    """Remove what a killed run left behind, and create what must exist before the first process."""
    for disabled in layout.disabled_dir.iterdir():
        disabled.unlink()
    preflight.kill_leftover_processes(layout)
    create_apart(layout.state_dir / "secrets.json")
    environment = Environment(layout, load_or_create(layout.state_dir / "secrets.json"), user_variables())
    for sentence in environment.check():
        on_warning(sentence)
    processes = definition.processes(environment)
    preflight.require_free_ports({process.name: process.port for process in processes if process.port})
    if not environment.external_admin_url:
        cluster = environment.cluster()
        cluster.create()
        preflight.remove_stale_postmaster_pid(cluster)
    environment.write_env_files()
    return processes


async def supervise(
    layout: StackLayout,
    processes: Sequence[ProcessSpec],
    on_state_change: OnStateChange,
    on_ready: Callable[[], None],
    interruption: Interruption,
    while_stdin_open: bool,
    watched: Mapping[str, Sequence[Path]],
) -> None:
    def record_state(process: ProcessState) -> None:
        # A full disk must not stop the processes that still run.
        with contextlib.suppress(OSError):
            status_file.write(layout, supervisor.supervised.values())
        on_state_change(process)

    supervisor = Supervisor(processes, layout.logs_dir, layout.disabled_dir, record_state)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    if interruption.came:  # and Python has forgotten it
        supervisor.stop()
    if while_stdin_open:
        loop.add_reader(sys.stdin.fileno(), stop_at_end_of_stdin, loop, supervisor)
    status_file.write(layout, supervisor.supervised.values())
    beside = [
        asyncio.create_task(call_when_ready(supervisor, on_ready)),
        asyncio.create_task(code_reload.restart_on_change(layout.disabled_dir, supervisor, watched)),
    ]
    try:
        await supervisor.run()
    finally:
        for task in beside:
            task.cancel()


def stop_at_end_of_stdin(loop: asyncio.AbstractEventLoop, supervisor: Supervisor) -> None:
    """The process that started us has ended, however that happened."""
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        supervisor.stop()


async def call_when_ready(supervisor: Supervisor, on_ready: Callable[[], None]) -> None:
    await supervisor.ready.wait()
    on_ready()
