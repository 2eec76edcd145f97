"""Time-ordered ids (UUID version 7, RFC 9562): what is made later sorts later."""

import itertools
import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

_counter = itertools.count()


def uuid7() -> UUID:
    """48 bits of milliseconds, 12 bits of their fraction, 14 bits counting on, 48 at random."""
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    fraction = rest * 4096 // 1_000_000
    low = (next(_counter) & 0x3FFF) << 48 | secrets.randbits(48)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | low)


def made_at(made: UUID | None) -> datetime | None:
    """When this id was made, to the millisecond; None for an id of another version."""
    if made is None or made.version != 7:
        return None
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
