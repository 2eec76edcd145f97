"""Collects items into webhooks: delayed, duplicated, shuffled and batched as the plan says."""

import asyncio
from collections.abc import Callable, Sequence

from ava_whatsapp_simulator.behaviour_plan import BehaviourPlan
from ava_whatsapp_simulator.seeded_random import seeded_fraction, seeded_shuffle
from ava_whatsapp_simulator.webhooks.webhook_item import WebhookItem


class WebhookBatcher:
    """Takes single items and passes lists of them to `send`; nothing waits longer than the plan says."""

    def __init__(
        self, plan: Callable[[], BehaviourPlan], send: Callable[[Sequence[WebhookItem]], None]
    ) -> None:
        self._plan = plan
        self._send = send
        self._ready: list[WebhookItem] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_count = 0

    @property
    def waiting_count(self) -> int:
        """Items not yet in a webhook."""
        return len(self._ready) + len(self._timers)

    def add(self, item: WebhookItem, after: float = 0.0) -> None:
        """Send an item after `after` seconds; duplicated or delayed where the plan says so."""
        plan = self._plan()
        settings = plan.delivery
        question = (item.kind, item.key or item.id)
        delay = settings.delay * seeded_fraction(plan.seed, "delay", *question)
        self._add_later(item, after + delay)
        if seeded_fraction(plan.seed, "duplicate", *question) < settings.duplicates:
            for copy in range(settings.copies):
                extra = (settings.delay or 0.1) * seeded_fraction(plan.seed, "copy", copy, *question)
                self._add_later(item, after + delay + extra)

    def close(self) -> None:
        """Drop everything that is waiting."""
        for timer in self._timers:
            timer.cancel()
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        self._timers.clear()
        self._ready.clear()

    def _add_later(self, item: WebhookItem, seconds: float) -> None:
        if seconds <= 0:
            return self._add_ready(item)
        timer: asyncio.TimerHandle

        def fire() -> None:
            self._timers.discard(timer)
            self._add_ready(item)

        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self._timers.add(timer)
        return None

    def _add_ready(self, item: WebhookItem) -> None:
        self._ready.append(item)
        if self._flush_timer is None:
            gather = self._plan().delivery.gather
            self._flush_timer = asyncio.get_running_loop().call_later(gather, self._flush)

    def _flush(self) -> None:
        plan = self._plan()
        items, self._ready, self._flush_timer = self._ready, [], None
        self._flush_count += 1
        if plan.delivery.shuffle:
            items = seeded_shuffle(items, plan.seed, "shuffle", self._flush_count)
        for start in range(0, len(items), plan.delivery.batch):
            self._send(items[start : start + plan.delivery.batch])
