"""Decides which send goes wrong, and how: by the plan's rates, or because a test asked for just this."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ava_local.whatsapp_simulator.chance import draw
from ava_local.whatsapp_simulator.identifiers import digits_of
from ava_local.whatsapp_simulator.plan import Fault, Plan


@dataclass
class Ordered:
    """A fault that the next `times` sends get, or the next ones to `number` (+E.164)."""

    fault: Fault
    times: int
    number: str | None


@dataclass(frozen=True)
class Fate:
    """What becomes of one send: perhaps a fault, and whether statuses about it will follow."""

    fault: Fault | None = None
    with_status: bool = True


class Faults:
    """Fates depend on the seed, the person, the text and how often it was tried; never on timing."""

    def __init__(self, plan: Callable[[], Plan]) -> None:
        self._plan = plan
        self._ordered: list[Ordered] = []
        self._tries: Counter[tuple[str, str]] = Counter()

    def order(self, ordered: Ordered) -> None:
        """Have the next send or sends meet this fault."""
        self._ordered.append(ordered)

    def fate(self, number: str, text: str) -> Fate:
        """The fate of one more try to send this text to this person."""
        self._tries[number, text] += 1
        question = (number, text, self._tries[number, text])
        fault = self._next_ordered(number) or self._drawn(number, question)
        if fault is None:
            return Fate()
        return Fate(fault, draw(self._plan().seed, "status", *question) < fault.with_status)

    def _next_ordered(self, number: str) -> Fault | None:
        for ordered in self._ordered:
            if ordered.number in (None, number):
                ordered.times -= 1
                if ordered.times <= 0:
                    self._ordered.remove(ordered)
                return ordered.fault
        return None

    def _drawn(self, number: str, question: tuple[str, str, int]) -> Fault | None:
        chance = draw(self._plan().seed, "fault", *question)
        for fault in self._plan().faults:
            if fault.to is not None and f"+{digits_of(fault.to)}" != number:
                continue
            if chance < fault.rate:
                return fault
            chance -= fault.rate
        return None
