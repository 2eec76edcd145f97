"""The identifiers WhatsApp assigns: message ids, business-scoped user ids, trace ids; and phone digits.

See docs/contracts/whatsapp-cloud-api.md#identities.
"""

import base64
import re
import secrets
from hashlib import sha256

# Enough of the numbering plan for a believable country code in a user id.
_COUNTRIES = {
    "1": "US", "7": "KZ", "20": "EG", "27": "ZA", "30": "GR", "31": "NL", "32": "BE", "33": "FR",
    "34": "ES", "39": "IT", "41": "CH", "43": "AT", "44": "GB", "45": "DK", "46": "SE", "48": "PL",
    "49": "DE", "51": "PE", "52": "MX", "54": "AR", "55": "BR", "56": "CL", "57": "CO", "60": "MY",
    "61": "AU", "62": "ID", "65": "SG", "81": "JP", "91": "IN", "225": "CI", "229": "BJ", "233": "GH",
    "234": "NG", "250": "RW", "351": "PT",
}  # fmt: skip


class MessageIds:
    """Generates message ids, with a new nonce per run: Ava remembers ids longer than the simulator does."""

    def __init__(self) -> None:
        self._nonce = secrets.token_bytes(8)
        self._count = 0

    def new_id(self, digits: str, *, outgoing: bool) -> str:
        """An id of the shape Meta uses: `wamid.` and base64 over number, direction and a random part."""
        self._count += 1
        unique = sha256(self._nonce + self._count.to_bytes(8, "big")).hexdigest()[:20].upper().encode()
        direction = b"\x11" if outgoing else b"\x12"
        head = b"\x1c\x18" + bytes([len(digits)]) + digits.encode() + b"\x15\x02\x00" + direction
        return "wamid." + base64.b64encode(head + b"\x18" + bytes([len(unique)]) + unique + b"\x00").decode()


def user_id(waba_id: str, digits: str) -> str:
    """The business-scoped user id of a number: derived from it, so that it is the same after a restart."""
    number = int.from_bytes(sha256(f"{waba_id}:{digits}".encode()).digest()[:9], "big") % 10**20
    return f"{_country(digits)}.{number:020d}"


def is_user_id(text: str) -> bool:
    """Whether a text has the shape of a business-scoped user id."""
    return re.fullmatch(r"[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}", text) is not None


def digits_of(text: str) -> str:
    """The digits of a number in any usual spelling; empty unless it has 5 to 15 digits and a country code."""
    if not re.fullmatch(r"\+?[0-9 ().-]+", text):
        return ""
    digits = re.sub(r"[^0-9]", "", text)
    return digits if 5 <= len(digits) <= 15 and not digits.startswith("0") else ""


def trace_id() -> str:
    """An `fbtrace_id`."""
    return "A" + secrets.token_urlsafe(16)


def _country(digits: str) -> str:
    return next((_COUNTRIES[digits[:n]] for n in (3, 2, 1) if digits[:n] in _COUNTRIES), "US")
