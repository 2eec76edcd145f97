"""Other national spellings of a WhatsApp number: guesses, valid only when exactly one of them is known.

Decision 0052. See docs/contracts/whatsapp-cloud-api.md#national-spellings.
"""

import re

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Brazil: mobiles got a ninth digit, older accounts keep eight. Landlines (2 to 5) never have it.
    (re.compile(r"55(\d{2})9([6-9]\d{7})"), r"55\1\2"),
    (re.compile(r"55(\d{2})([6-9]\d{7})"), r"55\g<1>9\2"),
    # Mexico: WhatsApp may keep the 1 that people stopped dialling in 2019.
    (re.compile(r"521(\d{10})"), r"52\1"),
    (re.compile(r"52([2-9]\d{9})"), r"521\1"),
    # Argentina: WhatsApp writes mobiles with a 9 after the country code; people often leave it out.
    (re.compile(r"549(\d{10})"), r"54\1"),
    (re.compile(r"54([1-8]\d{9})"), r"549\1"),
)


def number_variants(digits: str) -> tuple[str, ...]:
    """Other spellings of these digits (no plus sign), the given one not among them."""
    return tuple(pattern.sub(other, digits) for pattern, other in _RULES if pattern.fullmatch(digits))
