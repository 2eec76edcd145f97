"""The caller: the user a verified token speaks for, and the service acting in their absence.

Decisions 0012 and 0113.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, proven by a token; `actor` is the service acting in their absence (RFC 8693 `act`).

    `impersonated`: the accounts' issuer itself gave the token to another person than the user.
    """

    id: UUID
    token: str = field(repr=False)
    expires_at: int
    actor: str | None = None
    session_id: str | None = None
    email: str | None = field(default=None, repr=False)
    impersonated: bool = False

    def claims(self) -> dict[str, Any]:
        """What the database is told, and no more: `sub`, `role` and, for a delegated token, `act`."""
        claims: dict[str, Any] = {"sub": str(self.id), "role": "authenticated"}
        return claims | ({"act": {"sub": self.actor}} if self.actor else {})
