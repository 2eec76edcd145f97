"""The oracle: what was really said, posted, asked, refused, received; facts only, judged by others."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ava_local.whatsapp_simulator.courier import Delivery
from ava_local.whatsapp_simulator.phones import Entry, Phone

Json = dict[str, Any]
Outcome = Literal["accepted", "refused", "unknown"]


@dataclass
class Said:
    """A message a person sent; timestamp in Unix seconds."""

    id: str
    number: str
    type: str
    text: str
    timestamp: int


@dataclass
class Tried:
    """One request to send: what the caller could know (`outcome`) and what really happened (`accepted`)."""

    outbox_id: str | None
    addressee: str
    text: str
    id: str | None
    outcome: Outcome
    fault: str | None
    accepted: bool
    with_status: bool
    at: float


class Ledger:
    """Append-only facts of one run."""

    def __init__(self) -> None:
        self.said: dict[str, Said] = {}
        self.tried: list[Tried] = []
        self.reads: list[str] = []
        self._bubbles: dict[str, tuple[Phone, Entry]] = {}
        self._texts: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def spoke(self, phone: Phone, entry: Entry, timestamp: int) -> None:
        """A person said something."""
        self.said[entry.id] = Said(entry.id, phone.number, entry.type, entry.text, timestamp)
        self._bubbles[entry.id] = (phone, entry)
        self._texts[phone.number][entry.text] = entry.id

    def bubble(self, wamid: str) -> tuple[Phone, Entry] | None:
        """The phone and the bubble of a message that a person sent."""
        return self._bubbles.get(wamid)

    def answered(self, phone: Phone, text: str, reply_to: str | None) -> str | None:
        """The message this text answers: the one it quotes, else this person's last one with the same text or
        with a text that this one ends with."""
        if reply_to in self.said:
            return reply_to
        texts = self._texts[phone.number]
        if text in texts:
            return texts[text]
        return next((wamid for said, wamid in reversed(texts.items()) if said and text.endswith(said)), None)

    def dump(self, phones: Sequence[Phone], deliveries: Sequence[Delivery]) -> Json:
        """All facts as one JSON document (shape: PLAN of the control API, `GET /simulator/oracle`)."""
        postings = _postings(deliveries)
        unknown = [tried for tried in self.tried if tried.outcome == "unknown"]
        return {
            "inbound": [
                asdict(said) | {"postings": postings.get(said.id, [])} for said in self.said.values()
            ],
            "received": [_received(phone, entry) for phone in phones for entry in phone.received],
            "sends": [asdict(tried) for tried in self.tried],
            "reads": self.reads,
            "unknowns": {
                "with_status": [tried.outbox_id for tried in unknown if tried.with_status],
                "without_status": [tried.outbox_id for tried in unknown if not tried.with_status],
            },
            "deliveries": len(deliveries),
        }


def _received(phone: Phone, entry: Entry) -> Json:
    names = ("seq", "id", "text", "type", "at", "outbox_id", "answers")
    return {"number": phone.number} | {name: getattr(entry, name) for name in names}


def _postings(deliveries: Sequence[Delivery]) -> dict[str, list[Json]]:
    postings: defaultdict[str, list[Json]] = defaultdict(list)
    for delivery in deliveries:
        times = {"posted_at": delivery.posted_at, "acknowledged_at": delivery.acknowledged_at}
        for position, item in enumerate(delivery.items):
            if item.kind == "messages":
                postings[item.id].append({"delivery": delivery.number, "position": position} | times)
    return postings
