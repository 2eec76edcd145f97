"""Gathers items into deliveries: delayed, doubled, shuffled and batched as the plan says."""

import asyncio
from collections.abc import Callable, Sequence

from ava_local.whatsapp_simulator.chance import draw, shuffled
from ava_local.whatsapp_simulator.items import Item
from ava_local.whatsapp_simulator.plan import Plan


class Postbox:
    """Items go in, lists of items come out through `send`; nothing stays longer than the plan wants."""

    def __init__(self, plan: Callable[[], Plan], send: Callable[[Sequence[Item]], None]) -> None:
        self._plan = plan
        self._send = send
        self._ready: list[Item] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._flushing: asyncio.TimerHandle | None = None
        self._emptied = 0

    @property
    def waiting(self) -> int:
        """Items that no delivery carries yet."""
        return len(self._ready) + len(self._timers)

    def put(self, item: Item, after: float = 0.0) -> None:
        """Have an item told `after` seconds, and once more or later where the plan says so."""
        plan = self._plan()
        travel = plan.delivery
        which = (item.kind, item.key or item.id)
        late = travel.delay * draw(plan.seed, "delay", *which)
        self._later(item, after + late)
        if draw(plan.seed, "duplicate", *which) < travel.duplicates:
            for copy in range(travel.copies):
                later = (travel.delay or 0.1) * draw(plan.seed, "copy", copy, *which)
                self._later(item, after + late + later)

    def close(self) -> None:
        """Forget everything that waits."""
        for timer in self._timers:
            timer.cancel()
        if self._flushing is not None:
            self._flushing.cancel()
        self._timers.clear()
        self._ready.clear()

    def _later(self, item: Item, seconds: float) -> None:
        if seconds <= 0:
            return self._arrive(item)
        timer: asyncio.TimerHandle

        def ripe() -> None:
            self._timers.discard(timer)
            self._arrive(item)

        timer = asyncio.get_running_loop().call_later(seconds, ripe)
        self._timers.add(timer)
        return None

    def _arrive(self, item: Item) -> None:
        self._ready.append(item)
        if self._flushing is None:
            gather = self._plan().delivery.gather
            self._flushing = asyncio.get_running_loop().call_later(gather, self._empty)

    def _empty(self) -> None:
        plan = self._plan()
        items, self._ready, self._flushing = self._ready, [], None
        self._emptied += 1
        if plan.delivery.shuffle:
            items = shuffled(items, plan.seed, "shuffle", self._emptied)
        for start in range(0, len(items), plan.delivery.batch):
            self._send(items[start : start + plan.delivery.batch])
