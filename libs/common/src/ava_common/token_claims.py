"""Read the claims of a verified token strictly: a claim of an odd type is never guessed at.

Decision 0113. See docs/contracts/supabase-auth.md#access-tokens.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ava_common.caller import Caller
from ava_common.text import flaw

LATEST_MOMENT = 10**11  # seconds since 1970: the year 5138
EMAIL_MAX_CHARACTERS = 320


class OddClaim(ValueError):
    """A claim is missing, or is not what its name says."""


def read_caller(token: str, claims: Mapping[str, Any], *, delegates: bool, longest_seconds: int) -> Caller:
    """The caller that these claims name. Raises OddClaim.

    An issuer that delegates must name an actor, for at most `longest_seconds`. A token of any other issuer
    that names one was made for another person than the user, and is marked as impersonated.
    """
    expires_at, issued_at = _moment(claims["exp"]), _moment(claims["iat"])
    if "nbf" in claims:
        _moment(claims["nbf"])
    acting = _actor(claims["act"]) if delegates else None
    if delegates and expires_at - issued_at > longest_seconds:
        raise OddClaim
    return Caller(
        UUID(_text(claims["sub"])),
        token,
        int(expires_at),
        acting,
        _optional(claims.get("session_id")),
        _optional(claims.get("email")),
        impersonated=not delegates and claims.get("act") is not None,
    )


def _moment(value: object) -> float:
    """RFC 7519: a number, which is neither a text nor true, and no date beyond all calendars."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LATEST_MOMENT:
        raise OddClaim
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or flaw(value) or len(value) > EMAIL_MAX_CHARACTERS:
        raise OddClaim
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _actor(value: object) -> str:
    """RFC 8693: an object whose `sub` names who acts."""
    actor = _text(value["sub"]) if isinstance(value, dict) and "sub" in value else ""
    if not actor:
        raise OddClaim
    return actor
