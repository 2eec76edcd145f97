"""One thing a webhook reports: a message, a status, an echo, or the value of another field."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(eq=False)
class WebhookItem:
    """`kind` is the list it belongs to (messages, statuses, message_echoes) or the name of another field,
    whose whole value is then `content`. `key` identifies the item independently of generated ids, so that a
    seed treats it alike in every run. `acknowledged` is set once a webhook with it was answered with 200."""

    id: str
    kind: str
    content: Json
    contact: Json | None = None
    key: str = ""
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    on_acknowledged: Callable[[], None] | None = None

    def acknowledge(self) -> None:
        """Mark it as received by Ava; only the first time counts."""
        if self.acknowledged.is_set():
            return
        self.acknowledged.set()
        if self.on_acknowledged is not None:
            self.on_acknowledged()
