"""Decides which send fails and how: by the plan's rates, or because a test requested a fault.

Decision 0030. See docs/contracts/whatsapp-cloud-api.md#what-a-response-proves.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ava_whatsapp_simulator.behaviour_plan import BehaviourPlan, Fault
from ava_whatsapp_simulator.seeded_random import seeded_fraction
from ava_whatsapp_simulator.whatsapp_ids import digits_of


@dataclass
class RequestedFault:
    """A fault for the next `times` sends, or for the next ones to `number` (+E.164)."""

    fault: Fault
    times: int
    number: str | None


@dataclass(frozen=True)
class FaultDecision:
    """What happens to one send: a fault or none, and whether statuses follow."""

    fault: Fault | None = None
    with_status: bool = True


class FaultInjector:
    """Decisions depend on the seed, the recipient, the text and the attempt; never on timing."""

    def __init__(self, plan: Callable[[], BehaviourPlan]) -> None:
        self._plan = plan
        self._requested: list[RequestedFault] = []
        self._attempts: Counter[tuple[str, str]] = Counter()

    def request_fault(self, requested: RequestedFault) -> None:
        """Make the next sends fail this way."""
        self._requested.append(requested)

    def decide(self, number: str, text: str) -> FaultDecision:
        """Decide about one more attempt to send this text to this number."""
        self._attempts[number, text] += 1
        question = (number, text, self._attempts[number, text])
        fault = self._next_requested(number) or self._random_fault(number, question)
        if fault is None:
            return FaultDecision()
        return FaultDecision(
            fault, seeded_fraction(self._plan().seed, "status", *question) < fault.with_status
        )

    def _next_requested(self, number: str) -> Fault | None:
        for requested in self._requested:
            if requested.number in (None, number):
                requested.times -= 1
                if requested.times <= 0:
                    self._requested.remove(requested)
                return requested.fault
        return None

    def _random_fault(self, number: str, question: tuple[str, str, int]) -> Fault | None:
        chance = seeded_fraction(self._plan().seed, "fault", *question)
        for fault in self._plan().faults:
            if fault.to is not None and f"+{digits_of(fault.to)}" != number:
                continue
            if chance < fault.rate:
                return fault
            chance -= fault.rate
        return None
