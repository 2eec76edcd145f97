"""The error codes of Supabase Auth and the problem each becomes, call by call.

Its HTTP statuses are not stable, so only codes are read.

Decisions 0060 and 0061. See docs/contracts/supabase-auth.md#errors.
"""

from collections.abc import Mapping
from typing import TypeAlias

from ava_auth.problems import (
    EmailNotConfirmed,
    EmailRefused,
    FreshLoginNeeded,
    LinkSpent,
    SignUpClosed,
    TokenRefused,
    WrongCredentials,
    WrongPassword,
)
from ava_common.database import AccountGone
from ava_common.live_sessions import SessionEnded
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
