"""The error codes of Supabase Auth and the problem each becomes, call by call.

Its HTTP statuses are not stable, so only codes are read.

Decisions 0060 and 0061. See docs/contracts/supabase-auth.md#errors.
"""

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import ValidationError
from supabase_auth.errors import AuthApiError, AuthError, AuthRetryableError, AuthWeakPasswordError

from ava_auth.problems import (
    AccountsAway,
    EmailNotConfirmed,
    EmailRefused,
    FreshLoginNeeded,
    LinkSpent,
    PasswordRefused,
    SignUpClosed,
    TokenRefused,
    WrongCredentials,
    WrongPassword,
)
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.database import AccountGone
from ava_common.live_sessions import SessionEnded
from ava_common.log import log
from ava_common.problems import Problem

Problems: TypeAlias = Mapping[str | None, type[Problem]]

SIGN_UP: Problems = {
    "email_address_invalid": EmailRefused,
    "email_address_not_authorized": EmailRefused,
    "validation_failed": EmailRefused,
    "signup_disabled": SignUpClosed,
    "email_provider_disabled": SignUpClosed,
}
LOG_IN: Problems = {
    "invalid_credentials": WrongCredentials,
    "validation_failed": WrongCredentials,
    "user_banned": WrongCredentials,  # upstream says so before it looks at the password
    "email_not_confirmed": EmailNotConfirmed,  # only said after the right password
}
SESSION_ENDED = (
    *("refresh_token_not_found", "refresh_token_already_used", "session_not_found", "session_expired"),
    *("user_banned", "user_not_found", "validation_failed", "no_authorization", "bad_jwt"),
)
SESSION: Problems = dict.fromkeys(SESSION_ENDED, SessionEnded)
LIVE_SESSION: Problems = {**SESSION, "user_not_found": AccountGone}
NEW_PASSWORD: Problems = {
    **LIVE_SESSION,
    "current_password_invalid": WrongPassword,
    "reauthentication_needed": FreshLoginNeeded,
}
LINK: Problems = dict.fromkeys(("otp_expired", "user_banned", "validation_failed"), LinkSpent)
STANDING: Problems = dict.fromkeys(("user_not_found", "validation_failed"), TokenRefused)

# Not reported, because the answer would tell strangers who has an account.
SIGN_UP_UNREPORTED = ("user_already_exists", "email_exists", "over_email_send_rate_limit")
MAIL_UNREPORTED = ("over_email_send_rate_limit", "validation_failed", "user_not_found")


def problem(error: AuthError | ValidationError, problems: Problems) -> Problem:
    """What an error stands for; its own words are never passed on."""
    match error:
        case AuthWeakPasswordError():
            return PasswordRefused("it is too weak; use a longer one that is hard to guess")
        case AuthRetryableError():
            log.warning("supabase.away", status=error.status)
            return AccountsAway()
        case AuthApiError(code="over_request_rate_limit"):
            return TooManyAttempts(60)
        case AuthApiError() if error.code in problems:
            return problems[error.code]()
        case AuthApiError():
            log.error("supabase.unexpected", code=error.code, status=error.status)
            return AccountsAway(1 if error.code == "conflict" else 5)
        case _:
            log.error("supabase.unreadable", error=type(error).__name__)
            return AccountsAway()
