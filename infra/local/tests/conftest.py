"""A little house of real processes for the supervisor's tests."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from ava_local import probes
from ava_local.patience import Patience
from ava_local.postgres import free_port
from ava_local.process import Process
from ava_local.supervisor import Supervisor

QUICK = Patience(first_pause=0.02, longest_pause=0.05, tries_later=4, ready_within=60, stop_within=0.5)


def web(name: str, *needs: str) -> Process:
    """A process that is ready once it listens."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    return Process(name, command, port=port, ready=probes.tcp(port), needs=needs)


def python(name: str, code: str, **more: object) -> Process:
    return Process(name, [sys.executable, "-c", code], **more)


class LittleHouse:
    """A running supervisor and everything it said, as (name, state)."""

    def __init__(self, folder: Path, *processes: Process) -> None:
        self.said: list[tuple[str, str]] = []
        self.holds = folder / "hold"
        self.holds.mkdir()
        self.supervisor = Supervisor(processes, folder, self.holds, self._hear, QUICK)
        self.run = asyncio.create_task(self.supervisor.run())

    def _hear(self, kept) -> None:
        self.said.append((kept.process.name, kept.state))

    def kept(self, name: str):
        return self.supervisor.kept[name]

    async def ready(self) -> None:
        """Raises what the run raised, should it end before it was ready."""
        waiting = asyncio.create_task(self.supervisor.ready.wait())
        await asyncio.wait({waiting, self.run}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        if self.run.done():
            self.run.result()
        assert waiting.done(), self.said

    async def until(self, fine: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not fine():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self.supervisor.stop()
        await asyncio.wait({self.run}, timeout=60)


@pytest_asyncio.fixture
async def little_house(tmp_path: Path) -> AsyncIterator[Callable[..., LittleHouse]]:
    built: list[LittleHouse] = []

    def build(*processes: Process) -> LittleHouse:
        built.append(LittleHouse(tmp_path, *processes))
        return built[-1]

    yield build
    for house in built:
        await house.stop()
