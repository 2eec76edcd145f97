"""Who calls: the person behind a bearer token, checked against the database, or an administrator."""

import re
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from ava_local.supabase_auth import accounts, sessions
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal
from ava_local.supabase_auth.keys import Claims
from ava_local.supabase_auth.requests import here

BEARER = re.compile(r"bearer (\S+)", re.IGNORECASE)
ADMIN_ROLES = ("service_role", "supabase_admin")


@dataclass(frozen=True)
class Caller:
    """A person whose token, account and session (if the token names one) were just verified."""

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
        raise Refusal(401, "no_authorization", "This endpoint requires a valid Bearer token")
    return here(request).keys.read(match[1])


async def caller(connection: Connection, request: Request) -> Caller:
    """The person calling; 403 for unknown or banned people and for sessions that have ended."""
    found = await _person(connection, claims_of(request))
    if accounts.is_banned(found.user):
        raise Refusal(403, "user_banned", "User is banned")
    return found


async def administrator(connection: Connection, request: Request) -> str:
    """The administrator's role; 403 not_admin for everyone else."""
    claims = claims_of(request)
    if claims.get("session_id"):
        await _person(connection, claims)
    role = claims.get("role")
    if role not in ADMIN_ROLES:
        raise Refusal(403, "not_admin", "User not allowed")
    return str(role)


async def _person(connection: Connection, claims: Claims) -> Caller:
    subject = claims.get("sub")
    if not subject:
        raise Refusal(403, "bad_jwt", "invalid claim: missing sub claim")
    user_id = _uuid(subject, 400, "invalid claim: sub claim must be a UUID")
    user = await accounts.find(connection, user_id)
    if not user:
        raise Refusal(403, "user_not_found", "User from sub claim in JWT does not exist")
    return Caller(claims, user, await _session(connection, claims.get("session_id")))


async def _session(connection: Connection, claim: object) -> Record | None:
    if not claim:
        return None
    session_id = _uuid(claim, 403, "invalid claim: session_id claim must be a UUID")
    session = await sessions.find(connection, session_id)
    if not session:
        message = "Session from session_id claim in JWT does not exist"
        raise Refusal(403, "session_not_found", message)
    return session


def _uuid(value: object, status: int, message: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise Refusal(status, "bad_jwt", message) from None
