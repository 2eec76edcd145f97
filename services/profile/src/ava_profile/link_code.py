"""The one-time code that proves whose phone a number is.

Decision 0071.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID

DIGITS = 8
LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class LinkCode:
    """A code shown to the user once; the database keeps its digest and expiry, and counts failed attempts."""

    code: str
    expires_at: datetime

    @classmethod
    def new(cls) -> "LinkCode":
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        return cls(code, datetime.now(UTC) + LIFETIME)

    def digest(self, user_id: UUID) -> str:
        """Hex SHA-256 of `<user_id>:<code>`, as ava_private.users_for_phones compares it."""
        return hashlib.sha256(f"{user_id}:{self.code}".encode()).hexdigest()

    def whatsapp_url(self, our_number: str) -> str:
        """Opens WhatsApp with the code already typed, https://faq.whatsapp.com/5913398998672934."""
        return f"https://wa.me/{our_number.removeprefix('+')}?text={quote(f'Ava code {self.code}')}"
