"""The error codes of Supabase Auth and the problem each becomes, call by call.

Its HTTP statuses are not stable, so only codes are read.

Decisions 0060 and 0061. See docs/contracts/supabase-auth.md#errors.
"""

from collections.abc import Mapping

from ava_auth.problems import (
    EmailNotConfirmed,
    EmailRefused,
    FreshLoginNeeded,
    LinkSpent,
    SessionEnded,
    SignUpClosed,
    TokenRefused,
    WrongCredentials,
    WrongPassword,
)
from ava_common.problems import Problem

ErrorMap = Mapping[str | None, type[Problem] | None]

# None: not reported, because the answer would tell strangers who has an account.
SIGN_UP: ErrorMap = {
    "user_already_exists": None,
    "email_exists": None,
    "over_email_send_rate_limit": None,
    "email_address_invalid": EmailRefused,
    "email_address_not_authorized": EmailRefused,
    "validation_failed": EmailRefused,
    "signup_disabled": SignUpClosed,
    "email_provider_disabled": SignUpClosed,
}
LOG_IN: ErrorMap = {
    "invalid_credentials": WrongCredentials,
    "validation_failed": WrongCredentials,
    "user_banned": WrongCredentials,  # upstream says so before it looks at the password
    "email_not_confirmed": EmailNotConfirmed,  # only said after the right password
}
SESSION: ErrorMap = dict.fromkeys(
    (
        *("refresh_token_not_found", "refresh_token_already_used", "session_not_found", "session_expired"),
        *("user_banned", "user_not_found", "validation_failed", "no_authorization", "bad_jwt"),
    ),
    SessionEnded,
)
NEW_PASSWORD: ErrorMap = {
    **SESSION,
    "same_password": None,
    "current_password_invalid": WrongPassword,
    "reauthentication_needed": FreshLoginNeeded,
}
MAIL: ErrorMap = {"over_email_send_rate_limit": None, "validation_failed": None, "user_not_found": None}
LINK: ErrorMap = dict.fromkeys(("otp_expired", "user_banned", "validation_failed"), LinkSpent)
STANDING: ErrorMap = dict.fromkeys(("user_not_found", "validation_failed"), TokenRefused)
