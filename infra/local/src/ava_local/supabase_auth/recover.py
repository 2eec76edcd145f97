"""POST /recover and POST /resend: mails that somebody asks for without being logged in."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_local.supabase_auth import accounts, audit, mails
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.mails import Challenge
from ava_local.supabase_auth.requests import address_of, audience_of, email_of, here, read


class Recovery(Challenge):
    """The body of POST /recover."""

    email: str = ""


class Again(Challenge):
    """The body of POST /resend."""

    type: str = ""
    email: str = ""
    phone: str = ""


async def recover(request: Request) -> Response:
    """200 {} for any address; a known one twice within a minute is 429, the leak of the original."""
    here(request).limits.take("recover", address_of(request))
    if not here(request).settings.email_enabled:
        raise Refusal(400, "email_provider_disabled", "Email logins are disabled")
    wanted = await read(request, Recovery)
    if not wanted.email:
        raise invalid("Password recovery requires an email")
    email, prefix = email_of(wanted.email), wanted.prefix()
    async with here(request).pool.acquire() as connection, connection.transaction():
        user = await accounts.find_by_email(connection, email, audience_of(request))
        if user:
            await audit.note(connection, user, "user_recovery_requested")
            await mails.send_recovery(connection, request, user, prefix)
    return JSONResponse({})


async def resend(request: Request) -> Response:
    """200 {}, also for unknown addresses and for people who have nothing to confirm."""
    here(request).limits.take("resend", address_of(request))
    wanted = await read(request, Again)
    email, prefix = _judged(request, wanted), wanted.prefix()
    async with here(request).pool.acquire() as connection, connection.transaction():
        user = await accounts.find_by_email(connection, email, audience_of(request))
        if user:
            await _send_again(connection, request, user, wanted.type, prefix)
    return JSONResponse({})


def _judged(request: Request, wanted: Again) -> str:
    if wanted.type not in ("signup", "email_change", "sms", "phone_change"):
        raise invalid("Missing one of these types: signup, email_change, sms, phone_change")
    if wanted.type == "signup" and not wanted.email:
        raise invalid("Type provided requires an email address")
    if wanted.type == "sms" and not wanted.phone:
        raise invalid("Type provided requires a phone number")
    if wanted.email and wanted.phone:
        raise invalid("Only an email address or phone number should be provided.")
    if wanted.phone:
        raise Refusal(400, "phone_provider_disabled", "Phone logins are disabled")
    if not wanted.email:
        raise invalid("Missing email address or phone number")
    if not here(request).settings.email_enabled:
        raise Refusal(400, "email_provider_disabled", "Email logins are disabled")
    return email_of(wanted.email)


async def _send_again(connection: Connection, request: Request, user: Record, kind: str, prefix: str) -> None:
    if kind == "signup" and not user["email_confirmed_at"]:
        await audit.note(connection, user, "user_confirmation_requested")
        await mails.send_confirmation(connection, request, user, prefix)
    if kind == "email_change" and user["email_change"]:
        await mails.send_email_change(connection, request, user, user["email_change"], prefix)
