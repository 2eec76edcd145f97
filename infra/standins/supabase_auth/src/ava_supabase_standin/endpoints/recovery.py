"""POST /recover and POST /resend: e-mails requested without being logged in.

See docs/contracts/supabase-auth.md#e-mails-and-links.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ava_supabase_standin.accounts import audit_log, user_rows
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.errors import AuthError, validation_failed
from ava_supabase_standin.mail import auth_mails
from ava_supabase_standin.mail.auth_mails import PkceChallenge
from ava_supabase_standin.requests.audience import request_audience
from ava_supabase_standin.requests.client_address import rate_limit_address
from ava_supabase_standin.requests.json_body import read_body, validated_email
from ava_supabase_standin.resources import resources_of


class RecoverRequest(PkceChallenge):
    """The body of POST /recover."""

    email: str = ""


class ResendRequest(PkceChallenge):
    """The body of POST /resend."""

    type: str = ""
    email: str = ""
    phone: str = ""


async def recover(request: Request) -> Response:
    """200 {} for any address; 429 for a known one twice within a minute, the same leak as in GoTrue."""
    resources_of(request).rate_limiter.consume("recover", rate_limit_address(request))
    if not resources_of(request).settings.email_enabled:
        raise AuthError(400, "email_provider_disabled", "Email logins are disabled")
    wanted = await read_body(request, RecoverRequest)
    if not wanted.email:
        raise validation_failed("Password recovery requires an email")
    email, prefix = validated_email(wanted.email), wanted.prefix()
    async with resources_of(request).pool.acquire() as connection, connection.transaction():
        user = await user_rows.find_by_email(connection, email, request_audience(request))
        if user:
            await audit_log.record(connection, user, "user_recovery_requested")
            await auth_mails.send_recovery(connection, request, user, prefix)
    return JSONResponse({})


async def resend(request: Request) -> Response:
    """200 {}, also for unknown addresses and for users with nothing to confirm."""
    resources_of(request).rate_limiter.consume("resend", rate_limit_address(request))
    wanted = await read_body(request, ResendRequest)
    email, prefix = _validated_email(request, wanted), wanted.prefix()
    async with resources_of(request).pool.acquire() as connection, connection.transaction():
        user = await user_rows.find_by_email(connection, email, request_audience(request))
        if user:
            await _resend(connection, request, user, wanted.type, prefix)
    return JSONResponse({})


def _validated_email(request: Request, wanted: ResendRequest) -> str:
    if wanted.type not in ("signup", "email_change", "sms", "phone_change"):
        raise validation_failed("Missing one of these types: signup, email_change, sms, phone_change")
    if wanted.type == "signup" and not wanted.email:
        raise validation_failed("Type provided requires an email address")
    if wanted.type == "sms" and not wanted.phone:
        raise validation_failed("Type provided requires a phone number")
    if wanted.email and wanted.phone:
        raise validation_failed("Only an email address or phone number should be provided.")
    if wanted.phone:
        raise AuthError(400, "phone_provider_disabled", "Phone logins are disabled")
    if not wanted.email:
        raise validation_failed("Missing email address or phone number")
    if not resources_of(request).settings.email_enabled:
        raise AuthError(400, "email_provider_disabled", "Email logins are disabled")
    return validated_email(wanted.email)


async def _resend(connection: Connection, request: Request, user: Record, kind: str, prefix: str) -> None:
    if kind == "signup" and not user["email_confirmed_at"]:
        await audit_log.record(connection, user, "user_confirmation_requested")
        await auth_mails.send_confirmation(connection, request, user, prefix)
    if kind == "email_change" and user["email_change"]:
        await auth_mails.send_email_change(connection, request, user, user["email_change"], prefix)
