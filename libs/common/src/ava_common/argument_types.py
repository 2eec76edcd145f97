"""Argument types of the operator commands, for `add_argument(type=…)`."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def point_in_time(text: str) -> datetime:
    """`30m`, `12h` or `7d` ago, or an ISO 8601 time (UTC without a zone). Raises ArgumentTypeError."""
    try:
        if ago := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ArgumentTypeError("use 30m, 12h or 7d, or a time like 2026-11-22T14:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def limit(text: str) -> int:
    """How many rows at most: a whole number above 0. Raises ArgumentTypeError."""
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise ArgumentTypeError("use a whole number, at least 1")
    return int(text)
