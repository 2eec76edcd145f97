"""Records what really happened, for tests to compare with: sent, posted, requested, received.

Decision 0030.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ava_whatsapp_simulator.phones.phones import ChatMessage, Phone
from ava_whatsapp_simulator.webhooks.sender import WebhookDelivery

Json = dict[str, Any]
Outcome = Literal["accepted", "refused", "unknown"]


@dataclass
class InboundMessage:
    """A message sent from a phone; timestamp in Unix seconds."""

    id: str
    number: str
    type: str
    text: str
    timestamp: int


@dataclass
class SendAttempt:
    """One send request: what the caller was told (`outcome`) and what really happened (`accepted`)."""

    outbox_id: str | None
    addressee: str
    text: str
    id: str | None
    outcome: Outcome
    fault: str | None
    accepted: bool
    with_status: bool
    at: float


class Oracle:
    """Append-only facts since the last reset."""

    def __init__(self) -> None:
        self.inbound: dict[str, InboundMessage] = {}
        self.send_attempts: list[SendAttempt] = []
        self.reads: list[str] = []
        self.cut_off = 0  # sends whose request never arrived whole
        self._chat_messages: dict[str, tuple[Phone, ChatMessage]] = {}
        # By the phone itself: it may get another number between a message and its answer.
        self._ids_by_text: defaultdict[int, dict[str, str]] = defaultdict(dict)

    def record_inbound(self, phone: Phone, entry: ChatMessage, timestamp: int) -> None:
        """Record a message sent from a phone."""
        self.inbound[entry.id] = InboundMessage(entry.id, phone.number, entry.type, entry.text, timestamp)
        self._chat_messages[entry.id] = (phone, entry)
        self._ids_by_text[id(phone)][entry.text] = entry.id

    def find_inbound(self, wamid: str) -> tuple[Phone, ChatMessage] | None:
        """The phone and the chat message of a message sent from a phone."""
        return self._chat_messages.get(wamid)

    def answered_message_id(self, phone: Phone, text: str, reply_to: str | None) -> str | None:
        """The id of the message this text answers: the one it quotes, else this phone's last message with the
        same text or with a text that this one ends with."""
        if reply_to in self.inbound:
            return reply_to
        texts = self._ids_by_text[id(phone)]
        if text in texts:
            return texts[text]
        return next((wamid for sent, wamid in reversed(texts.items()) if sent and text.endswith(sent)), None)

    def as_json(self, phones: Sequence[Phone], deliveries: Sequence[WebhookDelivery]) -> Json:
        """Everything as one JSON document: the response of `GET /simulator/oracle`."""
        postings = _postings(deliveries)
        unknown = [attempt for attempt in self.send_attempts if attempt.outcome == "unknown"]
        return {
            "inbound": [
                asdict(message) | {"postings": postings.get(message.id, [])}
                for message in self.inbound.values()
            ],
            "received": [_received(phone, entry) for phone in phones for entry in phone.received],
            "sends": [asdict(attempt) for attempt in self.send_attempts],
            "reads": self.reads,
            "cut_off": self.cut_off,
            "unknowns": {
                "with_status": [attempt.outbox_id for attempt in unknown if attempt.with_status],
                "without_status": [attempt.outbox_id for attempt in unknown if not attempt.with_status],
            },
            "deliveries": len(deliveries),
        }


def _received(phone: Phone, entry: ChatMessage) -> Json:
    names = ("seq", "id", "text", "type", "at", "outbox_id", "answers")
    return {"number": phone.number} | {name: getattr(entry, name) for name in names}


def _postings(deliveries: Sequence[WebhookDelivery]) -> dict[str, list[Json]]:
    postings: defaultdict[str, list[Json]] = defaultdict(list)
    for delivery in deliveries:
        times = {"posted_at": delivery.posted_at, "acknowledged_at": delivery.acknowledged_at}
        for position, item in enumerate(delivery.items):
            if item.kind == "messages":
                postings[item.id].append({"delivery": delivery.number, "position": position} | times)
    return postings
