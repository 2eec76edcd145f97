"""A run of the house, from an empty folder to the last process stopped."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence

from ava_local import arrival, house, status
from ava_local.environment import Environment, given
from ava_local.places import Places
from ava_local.process import Kept, Process
from ava_local.secrets import keep
from ava_local.supervisor import Supervisor

Report = Callable[[Kept], None]


def run(places: Places, report: Report, ready: Callable[[], None], while_stdin_open: bool = False) -> None:
    """Have the house up until SIGINT, SIGTERM or SIGHUP (or the end of stdin, when asked).

    Raises AlreadyUp, PortTaken, Missing, StartFailed, and what Cluster.create raises.
    """
    places.make()
    descriptor = status.take_lock(places)
    try:
        processes = arrive(places)
        asyncio.run(supervise(places, processes, report, ready, while_stdin_open))
    finally:
        os.close(descriptor)


def arrive(places: Places) -> list[Process]:
    """Clear the ground and make what must exist before the first process."""
    for hold in places.holds.iterdir():
        hold.unlink()
    arrival.sweep(places)
    environment = Environment(places, keep(places.state / "secrets.json"), given())
    processes = house.processes(environment)
    arrival.need_ports({process.name: process.port for process in processes if process.port})
    if not environment.admin_url:
        cluster = environment.cluster()
        cluster.create()
        arrival.forget_dead_postmaster(cluster)
    environment.write()
    return processes


async def supervise(
    places: Places,
    processes: Sequence[Process],
    report: Report,
    ready: Callable[[], None],
    while_stdin_open: bool,
) -> None:
    def changed(kept: Kept) -> None:
        # A full disk must not bring down what still runs.
        with contextlib.suppress(OSError):
            status.write(places, supervisor.kept.values())
        report(kept)

    supervisor = Supervisor(processes, places.logs, places.holds, changed)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    if while_stdin_open:
        loop.add_reader(sys.stdin.fileno(), stop_at_end_of_stdin, loop, supervisor)
    status.write(places, supervisor.kept.values())
    announcing = asyncio.create_task(announce(supervisor, ready))
    try:
        await supervisor.run()
    finally:
        announcing.cancel()


def stop_at_end_of_stdin(loop: asyncio.AbstractEventLoop, supervisor: Supervisor) -> None:
    """Whoever started us went away, however that happened."""
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        supervisor.stop()


async def announce(supervisor: Supervisor, ready: Callable[[], None]) -> None:
    await supervisor.ready.wait()
    ready()
