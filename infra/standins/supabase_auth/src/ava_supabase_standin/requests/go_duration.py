"""Parses durations as Go writes them, such as `24h` or `1h30m`."""

import re
from datetime import timedelta

from ava_supabase_standin.errors import validation_failed

PART = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|ms)")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def parse_duration(text: str) -> timedelta | None:
    """`none` is zero; None for ''."""
    if not text:
        return None
    parts = PART.findall(text)
    if text != "none" and "".join(amount + unit for amount, unit in parts) != text:
        raise validation_failed(f'invalid format for ban duration: time: invalid duration "{text}"')
    return timedelta(seconds=sum(float(amount) * UNITS[unit] for amount, unit in parts))
