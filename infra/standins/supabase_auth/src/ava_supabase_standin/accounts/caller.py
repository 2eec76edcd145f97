"""Resolves a bearer token to the user and session in the database, or to an administrator role."""

import re
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from ava_supabase_standin.accounts import sessions, user_rows
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError
from ava_supabase_standin.resources import resources_of
from ava_supabase_standin.signing_keys import Claims

BEARER = re.compile(r"bearer (\S+)", re.IGNORECASE)
ADMIN_ROLES = ("service_role", "supabase_admin")


@dataclass(frozen=True)
class Caller:
    """A user whose token, account and session (if the token names one) have just been verified."""

    claims: Claims
    user: Record
    session: Record | None

    @property
    def session_id(self) -> UUID | None:
        return self.session["id"] if self.session else None


def claims_of(request: Request) -> Claims:
    """The verified claims of the bearer token; 401 no_authorization or 403 bad_jwt."""
    match = BEARER.fullmatch(request.headers.get("authorization", ""))
    if not match:
        raise AuthError(401, "no_authorization", "This endpoint requires a valid Bearer token")
    return resources_of(request).keys.verify(match[1])


async def current_caller(connection: Connection, request: Request) -> Caller:
    """The user who is calling; 403 for unknown or banned users and for ended sessions."""
    found = await _verified_caller(connection, claims_of(request))
    if user_rows.is_banned(found.user):
        raise AuthError(403, "user_banned", "User is banned")
    return found


async def admin_role(connection: Connection, request: Request) -> str:
    """The administrator's role; 403 not_admin for all other callers."""
    claims = claims_of(request)
    if claims.get("session_id"):
        await _verified_caller(connection, claims)
    role = claims.get("role")
    if role not in ADMIN_ROLES:
        raise AuthError(403, "not_admin", "User not allowed")
    return str(role)


async def _verified_caller(connection: Connection, claims: Claims) -> Caller:
    subject = claims.get("sub")
    if not subject:
        raise AuthError(403, "bad_jwt", "invalid claim: missing sub claim")
    user_id = _uuid(subject, 400, "invalid claim: sub claim must be a UUID")
    user = await user_rows.find(connection, user_id)
    if not user:
        raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
    return Caller(claims, user, await _session(connection, claims.get("session_id")))


async def _session(connection: Connection, claim: object) -> Record | None:
    if not claim:
        return None
    session_id = _uuid(claim, 403, "invalid claim: session_id claim must be a UUID")
    session = await sessions.find(connection, session_id)
    if not session:
        message = "Session from session_id claim in JWT does not exist"
        raise AuthError(403, "session_not_found", message)
    return session


def _uuid(value: object, status: int, message: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise AuthError(status, "bad_jwt", message) from None
