"""Messages for another phone number id than the one that is set: the most common mistake in setting up.

Decision 0110.
"""

import re

from ava_common.log import log
from ava_whatsapp_gateway.metrics import FOREIGN_NUMBER_MESSAGES

REASON = "for another phone number id"

_TOLD_MAX = 1000
_told: set[str] = set()


def note(number_id: str, ours: str) -> str:
    """Counts the message and returns why it is ignored; one warning per process and id, with both ids."""
    FOREIGN_NUMBER_MESSAGES.inc()
    theirs = number_id if re.fullmatch(r"[0-9]{1,32}", number_id) else "without digits"
    if theirs not in _told and len(_told) < _TOLD_MAX:
        _told.add(theirs)
        # In front of the digits, because bare ones would be taken for a person's number and redacted.
        log.warning("messages.for_another_number", delivered_for=f"id-{theirs}", ours=f"id-{ours}")
    return f"{REASON}: {theirs}"
