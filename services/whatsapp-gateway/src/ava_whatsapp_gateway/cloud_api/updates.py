"""The updates in a delivery: messages, moves, statuses and others; and readers of their ids and times.

See docs/contracts/whatsapp-cloud-api.md#identities.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ava_whatsapp_gateway.cloud_api.lenient_json import dump, text

_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}")
_DIGITS = re.compile(r"\+?([0-9]{3,20})")


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity on WhatsApp: digits exactly as Meta sends them and a business-scoped id, or one of them."""

    digits: str | None
    bsuid: str | None
    parent_bsuid: str | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person said (`ignored` empty) or did; `sent_at` is Meta's, None when it gave none."""

    key: str
    kind: str
    words: str
    sender: Identity
    sent_at: datetime | None
    ignored: str
    item: bytes


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


Update = Message | Move | Status | Other


def timestamp(value: object) -> datetime | None:
    """Meta's timestamp: seconds as a string, now and then milliseconds; None when it is nonsense."""
    found = _DIGITS.fullmatch(text(value, 32))
    seconds = int(found[1]) if found else 0
    seconds = seconds // 1000 if seconds >= 10**12 else seconds
    return datetime.fromtimestamp(seconds, UTC) if 10**9 <= seconds < 10**11 else None


def digits(value: object) -> str | None:
    found = _DIGITS.fullmatch(text(value, 40))
    return found[1] if found else None


def bsuid(value: object) -> str | None:
    found = _BSUID.fullmatch(text(value, 160))
    return found[0] if found else None


def send_id(value: object) -> UUID | None:
    try:
        return UUID(text(value, 64))
    except ValueError:
        return None


def item_digest(item: object) -> str:
    return "sha256:" + hashlib.sha256(dump(item)).hexdigest()
