"""One run: bring a house up, let people write, kill what can be killed, wait for quiet, count."""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ava_local.chaos import facts, killing, misfortune, people, traffic, verdict
from ava_local.chaos.options import Options
from ava_local.chaos.platform import Platform
from ava_local.handle import House
from ava_local.places import free_base

LOOK_EVERY = 0.5
QUIET_LOOKS = 4
Seen = tuple[int, int, int | None]


@dataclass(frozen=True)
class Progress:
    """Where a run is; `open` is what the gateway has yet to do, None while nobody can tell."""

    stage: str
    said: int = 0
    received: int = 0
    open: int | None = None


@dataclass(frozen=True)
class Report:
    """What came of it; `seconds` from the first message to quiet."""

    options: Options
    count: verdict.Count
    killed: dict[str, int]
    seconds: float
    quiet: bool
    kept_in: str

    @property
    def ok(self) -> bool:
        """Nothing lost, doubled, out of order or unexplained, and it came to an end by itself."""
        by_kills = self.killed.get("whatsapp-gateway", 0) + self.killed.get("postgres", 0)
        excusable = self.count.cut_off <= by_kills * misfortune.CONCURRENCY
        return (
            self.quiet and excusable and not self.count.wrong() and self.count.said == self.options.messages
        )


@dataclass
class Run:
    """A house that is up, and what is being done to it."""

    options: Options
    house: House
    platform: Platform
    tell: Callable[[Progress], None]
    received: int = 0
    killed: Counter[str] = field(default_factory=Counter)

    async def play(self) -> Report:
        """From the first message to the verdict."""
        owners = await people.settle(self.house.database_url(), self.options.people)
        await self.platform.behave(misfortune.plan(self.options))
        began = time.monotonic()
        quiet = await self._live(owners)
        seconds = round(time.monotonic() - began, 1)
        self.tell(Progress("counting", self.options.messages, self.received))
        found = await facts.gather(self.house.database_url(), self.platform, owners)
        return Report(
            self.options,
            verdict.count(found),
            dict(self.killed),
            seconds,
            quiet,
            str(self.house.places.state),
        )

    async def _live(self, owners: Sequence[people.Person]) -> bool:
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(traffic.write(self.options, owners, self.platform))
                striking = tasks.create_task(killing.kill(self.options, self.house, lambda: self.received))
                calm = tasks.create_task(self._until_quiet(lambda: writing.done() and striking.done()))
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        self.killed = striking.result()
        return calm.result()

    async def _until_quiet(self, over: Callable[[], bool]) -> bool:
        """True when nothing is left to do; False when nothing moved for too long."""
        quiet, moved = 0, time.monotonic()
        seen: Seen = (0, 0, None)
        while quiet < QUIET_LOOKS:
            now, pending = await self._look("writing and killing" if not over() else "waiting for quiet")
            if now != seen or not over():
                moved, seen = time.monotonic(), now
            if time.monotonic() - moved > self.options.patience:
                return False
            quiet = quiet + 1 if over() and now[2] == 0 and pending == 0 else 0
            await asyncio.sleep(LOOK_EVERY)
        return True

    async def _look(self, stage: str) -> tuple[Seen, int]:
        tally, pending = await self.platform.tally(), await self.platform.pending()
        self.received = tally["received"]
        left = await facts.still_open(self.house.database_url())
        self.tell(Progress(stage, tally["said"], self.received, left))
        return (tally["sends"], self.received, left), pending


async def play(options: Options, tell: Callable[[Progress], None]) -> Report:
    """A whole run on a house of its own, which is gone afterwards unless something is to be looked into."""
    tell(Progress("bringing a house up"))
    house, keep = _new_house(), False
    try:
        await asyncio.to_thread(house.start)
        async with Platform(house.phone) as platform:
            report = await Run(options, house, platform, tell).play()
        keep = not report.ok
    except Exception:
        keep = True
        raise
    finally:
        await asyncio.to_thread(_close, house, keep)
    return report


def run(options: Options, tell: Callable[[Progress], None] = lambda progress: None) -> Report:
    """The same for callers without an event loop."""
    return asyncio.run(play(options, tell))


def _new_house() -> House:
    folder = Path(tempfile.mkdtemp(prefix="ava-chaos-"))
    # PostgreSQL does not run as root and must be able to reach its own folder.
    folder.chmod(0o711)
    return House(folder, free_base(), misfortune.variables())


def _close(house: House, keep: bool) -> None:
    house.stop()
    if not keep:
        house.forget()
        shutil.rmtree(house.places.state, ignore_errors=True)
