"""A user and their session, reduced to what the service needs of Supabase Auth's own."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

Scope = Literal["local", "others", "global"]
Link = Literal["signup", "recovery"]


@dataclass(frozen=True)
class User:
    """An account."""

    id: UUID
    email: str = field(repr=False)
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True)
class Session:
    """A log-in. `expires_at` is in Unix seconds, `expires_in` in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    expires_at: int
    user: User
