"""One run: start a stack, send messages, kill processes, wait until all is processed, count."""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ava_local.ports import free_base_port
from ava_local.stack.control import Stack
from chaos import fault_settings, invariants, observations, process_killer, proxies, simulated_users, traffic
from chaos.link_changes import LinkChanges
from chaos.options import Options
from chaos.outages import Outage, outages
from chaos.simulator_client import SimulatorClient

POLL_SECONDS = 0.5
QUIET_POLLS = 4
KNOWN_SECONDS = 120.0
SERVER_SECONDS = 0.1
"""How long the database may take to end what a killed process had asked of it."""
Seen = tuple[int, int, int | None]


@dataclass(frozen=True)
class Progress:
    """How far a run is; `unfinished` is what the gateway still has to do, None while that is unknown."""

    stage: str
    sent: int = 0
    received: int = 0
    unfinished: int | None = None


@dataclass(frozen=True)
class Report:
    """The result; `seconds` from the first message until nothing was left to do."""

    options: Options
    counts: invariants.Counts
    killed: dict[str, int]
    seconds: float
    finished: bool
    state_dir: str
    refused_changes: int = 0

    @property
    def ok(self) -> bool:
        """Nothing lost, duplicated, out of order or unexplained, and everything was processed."""
        in_flight, in_a_row = fault_settings.CONCURRENCY, 5
        few = self.counts.away_sends <= self.killed.get("graph away", 0) * (in_flight + in_a_row)
        complete = self.finished and self.counts.sent == self.options.messages
        return complete and few and not self.counts.violations()


@dataclass
class Run:
    """A running stack and what is being done to it."""

    options: Options
    stack: Stack
    simulator: SimulatorClient
    outages: Mapping[str, Outage]
    on_progress: Callable[[Progress], None]
    received: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    sent_at: dict[str, float] = field(default_factory=dict)
    begun_at_kills: set[str] = field(default_factory=set)

    async def run(self) -> Report:
        """From the first message to the report."""
        database_url = self.stack.database_url()
        users = await simulated_users.create_users(database_url, self.options.users)
        changing = users[: self.options.link_changes]
        heirs = await simulated_users.create_heirs(database_url, len(changing))
        patience_seconds = KNOWN_SECONDS + self.options.graph_away_seconds
        changes = LinkChanges(database_url, self.simulator, changing, heirs, patience_seconds)
        await self.simulator.set_plan(fault_settings.simulator_plan(self.options))
        began = time.monotonic()
        finished = await self._send_and_kill(users, changes)
        seconds = round(time.monotonic() - began, 1)
        self.on_progress(Progress("counting", self.options.messages, self.received))
        owners = {
            text: changes.owners(users[traffic.index_of(text)], at) for text, at in self.sent_at.items()
        }
        sets = frozenset(changes.numbers), frozenset(self.begun_at_kills)
        observed = await observations.collect(database_url, self.simulator, owners, *sets)
        return Report(
            self.options,
            invariants.count_violations(observed),
            dict(self.killed),
            seconds,
            finished,
            str(self.stack.layout.state_dir),
            changes.refused,
        )

    async def _send_and_kill(
        self, users: Sequence[simulated_users.SimulatedUser], changes: LinkChanges
    ) -> bool:
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(
                    traffic.send_messages(self.options, users, self.simulator, changes)
                )
                changing = tasks.create_task(changes.make())
                killing = tasks.create_task(
                    process_killer.kill_processes(
                        self.options, self.stack, self.outages, lambda: self.received, self._after_kill
                    )
                )
                busy = sending, killing, changing
                finishing = tasks.create_task(
                    self._wait_until_finished(lambda: all(task.done() for task in busy))
                )
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        self.killed, self.sent_at = killing.result(), sending.result()
        return finishing.result()

    async def _after_kill(self, target: str) -> None:
        """Note at once what a killed gateway had begun: the next one takes longer than this to start."""
        if target == "whatsapp-gateway":
            await asyncio.sleep(SERVER_SECONDS)
            self.begun_at_kills |= await observations.begun_sends(self.stack.database_url())

    async def _wait_until_finished(self, over: Callable[[], bool]) -> bool:
        """True when nothing is left to do; False after `stall_timeout` without progress."""
        quiet, moved = 0, time.monotonic()
        seen: Seen = (0, 0, None)
        while quiet < QUIET_POLLS:
            now, pending = await self._poll(
                "sending and killing" if not over() else "waiting for the queue to drain"
            )
            if now != seen or not over():
                moved, seen = time.monotonic(), now
            if time.monotonic() - moved > self.options.stall_timeout:
                return False
            quiet = quiet + 1 if over() and now[2] == 0 and pending == 0 else 0
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def _poll(self, stage: str) -> tuple[Seen, int]:
        counts, pending = await self.simulator.counts(), await self.simulator.pending_count()
        self.received = counts["received"]
        left = await observations.unfinished_count(self.stack.database_url())
        self.on_progress(Progress(stage, counts["said"], self.received, left))
        return (counts["sends"], self.received, left), pending


async def run_async(options: Options, on_progress: Callable[[Progress], None]) -> Report:
    """A whole run on a stack of its own, which is deleted afterwards unless something went wrong."""
    on_progress(Progress("starting a stack"))
    stack, keep_data = _new_stack(), False
    try:
        async with proxies.opened(stack) as between, SimulatorClient(stack.simulator_url) as simulator:
            stack.variables.update(between.variables)
            await asyncio.to_thread(stack.start)
            every = outages(stack, simulator, between, options.graph_away_seconds)
            report = await Run(options, stack, simulator, every, on_progress).run()
            await asyncio.to_thread(stack.stop)
        keep_data = not report.ok
    except Exception:
        keep_data = True
        raise
    finally:
        await asyncio.to_thread(_close, stack, keep_data)
    return report


def run(options: Options, on_progress: Callable[[Progress], None] = lambda progress: None) -> Report:
    """The same, for callers without an event loop."""
    return asyncio.run(run_async(options, on_progress))


def _new_stack() -> Stack:
    folder = Path(tempfile.mkdtemp(prefix="ava-chaos-"))
    # PostgreSQL does not run as root and must be able to reach its own folder.
    folder.chmod(0o711)
    return Stack(folder, free_base_port(), fault_settings.gateway_variables())


def _close(stack: Stack, keep_data: bool) -> None:
    stack.stop()
    if not keep_data:
        stack.delete_data()
        shutil.rmtree(stack.layout.state_dir, ignore_errors=True)
