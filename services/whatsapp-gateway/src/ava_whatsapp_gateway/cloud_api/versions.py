"""Versions of the Graph API and the day each is switched off; from Meta's changelog, autumn 2026.

See docs/contracts/whatsapp-cloud-api.md#versions.
"""

from datetime import date

from ava_common.log import log

SUNSETS = {
    "v20.0": date(2026, 9, 24),
    "v21.0": date(2027, 1, 21),
    "v22.0": date(2027, 5, 20),
    "v23.0": date(2027, 10, 8),
    "v24.0": date(2028, 2, 18),
    "v25.0": date(2028, 7, 29),
}
_WARN_DAYS = 90


def days_left(version: str, today: date) -> int | None:
    """Days until Meta switches this version off, negative afterwards; None when no date is known."""
    sunset = SUNSETS.get(version)
    return (sunset - today).days if sunset else None


def warn_before_sunset(version: str, today: date) -> None:
    """Log one line at start when GRAPH_API_VERSION has less than 90 days left."""
    left = days_left(version, today)
    if left is not None and left < _WARN_DAYS:
        log.warning("graph.version_ends", version=version, days_left=left, alert=True)
