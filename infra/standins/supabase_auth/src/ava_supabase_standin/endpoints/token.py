"""POST /token: chooses the grant and implements the password grant.

See docs/contracts/supabase-auth.md#log-in.
"""

from starlette.requests import Request
from starlette.responses import Response

from ava_supabase_standin.accounts import audit_log, passwords, sessions, user_rows
from ava_supabase_standin.database import Record
from ava_supabase_standin.endpoints.refresh_token_grant import refresh_token_grant
from ava_supabase_standin.errors import AuthError, validation_failed
from ava_supabase_standin.requests.audience import request_audience
from ava_supabase_standin.requests.client_address import rate_limit_address
from ava_supabase_standin.requests.json_body import JsonBody, read_body
from ava_supabase_standin.resources import resources_of


class Credentials(JsonBody):
    """The body of grant_type=password."""

    email: str = ""
    phone: str = ""
    password: str = ""


async def token(request: Request) -> Response:
    """200 AccessTokenResponse; both grants share one rate limit."""
    grant = request.query_params.get("grant_type")
    if grant not in ("password", "refresh_token"):
        raise AuthError(400, "invalid_credentials", "unsupported_grant_type")
    resources_of(request).rate_limiter.consume("token", rate_limit_address(request))
    return await (password_grant(request) if grant == "password" else refresh_token_grant(request))


async def password_grant(request: Request) -> Response:
    """The same error for an unknown address and a wrong password; a ban is reported before either."""
    given = await read_body(request, Credentials)
    _validate(request, given)
    async with resources_of(request).pool.acquire() as connection:
        found = await user_rows.find_by_email(connection, given.email, request_audience(request))
    user = await _check_password(request, found, given.password)  # no connection is held while bcrypt runs
    weak = passwords.weakness(given.password, resources_of(request).settings)
    async with resources_of(request).pool.acquire() as connection, connection.transaction():
        await audit_log.record(connection, user, "login", provider="email")
        return await sessions.start_session(connection, request, user, "password", weak_password=weak)


def _validate(request: Request, given: Credentials) -> None:
    if given.email and given.phone:
        raise validation_failed("Only an email address or phone number should be provided on login.")
    if given.phone:
        raise AuthError(422, "phone_provider_disabled", "Phone logins are disabled")
    if not given.email:
        raise validation_failed("missing email or phone")
    if not resources_of(request).settings.email_enabled:
        raise AuthError(422, "email_provider_disabled", "Email logins are disabled")


async def _check_password(request: Request, user: Record | None, password: str) -> Record:
    wrong = AuthError(400, "invalid_credentials", "Invalid login credentials")
    if not user or not user["encrypted_password"]:
        raise wrong
    if user_rows.is_banned(user):
        raise AuthError(400, "user_banned", "User is banned")
    if not await resources_of(request).hasher.matches(password, user["encrypted_password"]):
        raise wrong
    if not user["email_confirmed_at"]:
        raise AuthError(400, "email_not_confirmed", "Email not confirmed")
    return user
