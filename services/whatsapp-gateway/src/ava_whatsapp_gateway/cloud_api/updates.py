"""The updates in a delivery: messages, moves, statuses, notices and others.

See docs/contracts/whatsapp-cloud-api.md#identities.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity on WhatsApp: digits exactly as Meta sends them and a business-scoped id, or one of them."""

    digits: str | None
    bsuid: str | None
    parent_bsuid: str | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person said (`ignored` empty) or did; `sent_at` is Meta's, None when it gave none.

    `corrects` is the wamid of a message of theirs that they edited (`words` are the new ones) or deleted.
    """

    key: str
    kind: str
    words: str
    sender: Identity
    sent_at: datetime | None
    ignored: str
    item: bytes
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A person changed their number or id; Meta says so."""

    key: str
    before: Identity
    after: Identity
    item: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """What became of something we sent; `send_id` is our outbox id when Meta returned it."""

    wamid: str
    status: str
    rank: int
    send_id: UUID | None
    at: datetime | None
    code: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Other:
    """Only stored and counted: another field or, when `broken` says why, an item that cannot be read."""

    key: str
    kind: str
    broken: str
    item: bytes


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """What Meta says about our account, number or templates, or an error that concerns no single message.

    `kind` is the webhook field or "errors", `what` Meta's words for it, `alert` whether someone has to act.
    """

    key: str
    kind: str
    what: str
    alert: bool
    item: bytes


Update = Message | Move | Status | AccountNotice | Other


def unstorable(update: Update, why: str) -> Other:
    """What is kept of an update that the database does not take as it is."""
    if isinstance(update, Status):
        said = {name: value for name, value in asdict(update).items() if value is not None}
        item = json.dumps(said, default=str).encode()
        return Other(f"status:{update.wamid}:{update.status}", "status", why, item)
    return Other(update.key, "system" if isinstance(update, Move) else update.kind, why, update.item)
