"""How the simulator behaves: delays, rates and faults in one document, changeable while it runs.

Decision 0030.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FaultKind = Literal["timeout", "reset", "http_error", "no_id", "code", "slow", "failed"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(_Part):
    """One way a send fails; `rate` is the share of sends that fail this way, `with_status` the share of those
    whose statuses are still sent. Times in seconds."""

    kind: FaultKind
    rate: float = Field(default=0.0, ge=0, le=1)
    to: str | None = None
    code: int = 131000
    status: int = Field(default=500, ge=400, le=599)
    retry_after: int | None = None
    accepted: bool | None = None
    with_status: float = Field(default=1.0, ge=0, le=1)
    hold: float = Field(default=30.0, ge=0)
    delay: float = Field(default=1.0, ge=0)

    @property
    def reaches_the_phone(self) -> bool:
        """Whether the message is delivered although the caller is not told so."""
        return self.kind != "http_error" if self.accepted is None else self.accepted


class RetrySettings(_Part):
    """The pause before attempt n is min(cap, base * factor ** (n - 2)) seconds; Meta's days, compressed."""

    base: float = Field(default=0.2, ge=0)
    factor: float = Field(default=2.0, ge=1)
    cap: float = Field(default=5.0, gt=0)


class DeliverySettings(_Part):
    """How items are sent: collected for `gather` s, at most `batch` in one webhook, `concurrency` at once."""

    batch: int = Field(default=1, ge=1, le=1000)
    gather: float = Field(default=0.0, ge=0)
    shuffle: bool = False
    duplicates: float = Field(default=0.0, ge=0, le=1)
    copies: int = Field(default=1, ge=1, le=100)
    delay: float = Field(default=0.0, ge=0)
    concurrency: int = Field(default=8, ge=1, le=64)
    timeout: float = Field(default=5.0, gt=0)
    retry: RetrySettings = RetrySettings()


class StatusSettings(_Part):
    """The statuses of a sent message, `step` seconds apart."""

    enabled: bool = True
    step: float = Field(default=0.05, ge=0)
    out_of_order: bool = False
    before_response: float = Field(default=0.0, ge=0, le=1)


class ServiceWindow(_Part):
    """The customer-service window: free-form messages only so long after the user's last message."""

    enabled: bool = True
    hours: float = Field(default=24.0, ge=0)
    answer: Literal["status", "error"] = "status"


class PairRate(_Part):
    """One message every `every` s to one user, `burst` in advance; `scale` 0.01 is 100 times faster."""

    enabled: bool = True
    every: float = Field(default=6.0, gt=0)
    burst: int = Field(default=45, ge=1)
    scale: float = Field(default=1.0, gt=0)


class NumberRate(_Part):
    """Messages per second that the business number may send."""

    enabled: bool = False
    per_second: float = Field(default=80.0, gt=0)


class BehaviourPlan(_Part):
    """The whole plan; the defaults are Meta on a good day. While `away`, a proxy answers every request to the
    Graph API with a page, and nothing is accepted."""

    seed: int = 0
    away: bool = False
    delivery: DeliverySettings = DeliverySettings()
    statuses: StatusSettings = StatusSettings()
    window: ServiceWindow = ServiceWindow()
    pair_rate: PairRate = PairRate()
    number_rate: NumberRate = NumberRate()
    faults: list[Fault] = []

    def with_changes(self, change: dict[str, Any]) -> "BehaviourPlan":
        """This plan with some values replaced; raises pydantic's ValidationError for unknown names."""
        return BehaviourPlan.model_validate(_merged(self.model_dump(), change))


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        deeper = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if deeper else value
    return merged
