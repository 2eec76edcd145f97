"""The phones: number, ids and chat of each, found by number or id."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ava_whatsapp_simulator.whatsapp_ids import digits_of, user_id

State = Literal["sent", "delivered", "read", "failed"]
TYPING_SECONDS = 25.0


class InvalidPhoneNumber(Exception):
    """This is not a valid phone number. Include the country code, for example +4915112345678."""


@dataclass
class ChatMessage:
    """A message in the chat; `out` was sent from the phone, `in` was received; `seq` numbers those from 1."""

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
    """One phone: `hidden` omits its number from webhooks, `reads` sends read receipts."""

    number: str
    wa_id: str
    user_id: str
    name: str
    parent_user_id: str | None = None
    username: str | None = None
    hidden: bool = False
    reads: bool = True
    reachable: bool = True
    entries: list[ChatMessage] = field(default_factory=list)
    received: list[ChatMessage] = field(default_factory=list)
    last_wrote: float = 0.0
    version: int = 0
    typing_until: float = 0.0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_typing(self) -> bool:
        """Whether the phone shows that Ava is typing."""
        return time.time() < self.typing_until

    def add(self, entry: ChatMessage) -> None:
        """Add a message to the chat."""
        if entry.direction == "in":
            entry.seq = len(self.received) + 1
            self.received.append(entry)
            self.typing_until = 0.0
        self.entries.append(entry)
        self.notify()

    def notify(self) -> None:
        """Wake the requests that wait for this phone to change."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_past(self, version: int, seconds: float) -> None:
        """Return when the phone's version is above `version`, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self.version <= version:
                    await self._changed.wait()
        except TimeoutError:
            return


class Phones:
    """All phones; finds one by its number, its WhatsApp id or its business-scoped user id."""

    def __init__(self, waba_id: str) -> None:
        self._waba_id = waba_id
        self._phones: dict[str, Phone] = {}
        self._left: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Phone]:
        return iter(self._phones.values())

    def get_or_create(self, number: str) -> Phone:
        """The phone with this number, created if there is none."""
        digits = digits_of(number)
        if not digits:
            raise InvalidPhoneNumber
        if digits not in self._phones:
            self._phones[digits] = Phone(
                number=f"+{digits}",
                wa_id=digits,
                user_id=self._user_id(digits),
                name=f"Phone {digits[-4:]}",
            )
        return self._phones[digits]

    def find(self, number: str) -> Phone | None:
        """The phone with this number or WhatsApp id, or None."""
        digits = digits_of(number)
        return self._phones.get(digits) or next((p for p in self if p.wa_id == digits), None)

    def by_user_id(self, scoped_id: str) -> Phone | None:
        """The phone with this business-scoped user id, or None."""
        return next((p for p in self if scoped_id in (p.user_id, p.parent_user_id)), None)

    def change_number(self, phone: Phone, number: str) -> None:
        """Give a phone another number, and the ids that depend on it."""
        digits = digits_of(number)
        if not digits:
            raise InvalidPhoneNumber
        before = phone.number.removeprefix("+")
        del self._phones[before]
        self._left[before] += 1
        phone.number, phone.wa_id, phone.user_id = f"+{digits}", digits, self._user_id(digits)
        self._phones[digits] = phone

    def _user_id(self, digits: str) -> str:
        """Who gets a number that another phone has left is another person, so the id is another one."""
        left = self._left[digits]
        return user_id(f"{self._waba_id}/{left}" if left else self._waba_id, digits)
