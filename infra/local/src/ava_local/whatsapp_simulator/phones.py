"""The phones: who they are and what each of them typed and received."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ava_local.whatsapp_simulator.identifiers import digits_of, user_id

State = Literal["sent", "delivered", "read", "failed"]
TYPING_SECONDS = 25.0


class NoSuchNumber(Exception):
    """This is no phone number. Write it with its country code, for example +4915112345678."""


@dataclass
class Entry:
    """One bubble on a phone; `out` was typed on it, `in` arrived there and has a `seq` counting from 1."""

    direction: Literal["in", "out"]
    id: str
    type: str
    text: str
    at: float
    state: State = "sent"
    seq: int = 0
    outbox_id: str | None = None
    reply_to: str | None = None
    answers: str | None = None


@dataclass
class Phone:
    """One phone: `hidden` keeps its number out of webhooks, `reads` gives ticks, `reachable` receives."""

    number: str
    wa_id: str
    user_id: str
    name: str
    parent_user_id: str | None = None
    username: str | None = None
    hidden: bool = False
    reads: bool = True
    reachable: bool = True
    entries: list[Entry] = field(default_factory=list)
    received: list[Entry] = field(default_factory=list)
    last_wrote: float = 0.0
    version: int = 0
    typing_until: float = 0.0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_typing(self) -> bool:
        """Whether the other side shows the three dots."""
        return time.time() < self.typing_until

    def add(self, entry: Entry) -> None:
        """Show one more bubble."""
        if entry.direction == "in":
            entry.seq = len(self.received) + 1
            self.received.append(entry)
            self.typing_until = 0.0
        self.entries.append(entry)
        self.touch()

    def touch(self) -> None:
        """Wake everyone who waits for this phone to change."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_past(self, version: int, seconds: float) -> None:
        """Return when the phone's version is above `version`, at the latest after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self.version <= version:
                    await self._changed.wait()
        except TimeoutError:
            return


class Directory:
    """Finds a phone by its number, by the id WhatsApp knows it under, or by its business-scoped id."""

    def __init__(self, waba_id: str) -> None:
        self._waba_id = waba_id
        self._phones: dict[str, Phone] = {}

    def __iter__(self) -> Iterator[Phone]:
        return iter(self._phones.values())

    def phone(self, number: str) -> Phone:
        """The phone with this number, bought now if there was none."""
        digits = digits_of(number)
        if not digits:
            raise NoSuchNumber
        if digits not in self._phones:
            self._phones[digits] = Phone(
                number=f"+{digits}",
                wa_id=digits,
                user_id=user_id(self._waba_id, digits),
                name=f"Phone {digits[-4:]}",
            )
        return self._phones[digits]

    def known(self, number: str) -> Phone | None:
        """The phone with this number or WhatsApp id, if there is one."""
        digits = digits_of(number)
        return self._phones.get(digits) or next((p for p in self if p.wa_id == digits), None)

    def scoped(self, scoped_id: str) -> Phone | None:
        """The phone behind a business-scoped user id."""
        return next((p for p in self if scoped_id in (p.user_id, p.parent_user_id)), None)

    def move(self, phone: Phone, number: str) -> None:
        """Give a phone another number, and with it the ids that depend on the number."""
        digits = digits_of(number)
        if not digits:
            raise NoSuchNumber
        del self._phones[phone.number.removeprefix("+")]
        phone.number, phone.wa_id, phone.user_id = f"+{digits}", digits, user_id(self._waba_id, digits)
        self._phones[digits] = phone
