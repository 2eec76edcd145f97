"""One thing a webhook tells: a message, a status, an echo, or the value of some other field."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(eq=False)
class Item:
    """`kind` is the list it travels in (messages, statuses, message_echoes) or the name of another field,
    whose whole value `content` then is. `key` says which item this is independently of minted ids, so that
    chance treats it alike in every run. `told` is set once a webhook that carried it was answered 200."""

    id: str
    kind: str
    content: Json
    contact: Json | None = None
    key: str = ""
    told: asyncio.Event = field(default_factory=asyncio.Event)
    when_told: Callable[[], None] | None = None

    def acknowledge(self) -> None:
        """Note that the other side has it; the first time wins."""
        if self.told.is_set():
            return
        self.told.set()
        if self.when_told is not None:
            self.when_told()
