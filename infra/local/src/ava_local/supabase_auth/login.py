"""POST /token: log in with a password, or refresh."""

from starlette.requests import Request
from starlette.responses import Response

from ava_local.supabase_auth import accounts, audit, passwords, sessions
from ava_local.supabase_auth.database import Record
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.refresh import refresh
from ava_local.supabase_auth.requests import Body, address_of, audience_of, here, read


class Credentials(Body):
    """The body of grant_type=password."""

    email: str = ""
    phone: str = ""
    password: str = ""


async def token(request: Request) -> Response:
    """200 AccessTokenResponse; both grants drink from one bucket."""
    grant = request.query_params.get("grant_type")
    if grant not in ("password", "refresh_token"):
        raise Refusal(400, "invalid_credentials", "unsupported_grant_type")
    here(request).limits.take("token", address_of(request))
    return await (login(request) if grant == "password" else refresh(request))


async def login(request: Request) -> Response:
    """An unknown address and a wrong password sound alike; a ban is told before the password is read."""
    given = await read(request, Credentials)
    _judge(request, given)
    async with here(request).pool.acquire() as connection:
        found = await accounts.find_by_email(connection, given.email, audience_of(request))
    user = await _authenticated(request, found, given.password)  # holds no connection while bcrypt works
    weak = passwords.weakness(given.password, here(request).settings)
    async with here(request).pool.acquire() as connection, connection.transaction():
        await audit.note(connection, user, "login", provider="email")
        return await sessions.begin(connection, request, user, "password", weak_password=weak)


def _judge(request: Request, given: Credentials) -> None:
    if given.email and given.phone:
        raise invalid("Only an email address or phone number should be provided on login.")
    if given.phone:
        raise Refusal(422, "phone_provider_disabled", "Phone logins are disabled")
    if not given.email:
        raise invalid("missing email or phone")
    if not here(request).settings.email_enabled:
        raise Refusal(422, "email_provider_disabled", "Email logins are disabled")


async def _authenticated(request: Request, user: Record | None, password: str) -> Record:
    wrong = Refusal(400, "invalid_credentials", "Invalid login credentials")
    if not user or not user["encrypted_password"]:
        raise wrong
    if accounts.is_banned(user):
        raise Refusal(400, "user_banned", "User is banned")
    if not await here(request).hasher.matches(password, user["encrypted_password"]):
        raise wrong
    if not user["email_confirmed_at"]:
        raise Refusal(400, "email_not_confirmed", "Email not confirmed")
    return user
