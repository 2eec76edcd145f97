"""What each error code of Supabase Auth means here, call by call; statuses upstream are not stable."""

from collections.abc import Mapping

from ava_auth.refusals import (
    AddressRefused,
    EmailNotConfirmed,
    FreshLoginNeeded,
    LinkSpent,
    SessionEnded,
    SignUpClosed,
    TokenRefused,
    WrongCredentials,
    WrongPassword,
)
from ava_common.problems import Problem

Meanings = Mapping[str | None, type[Problem] | None]

# None: said by nobody, because the answer would tell strangers who has an account.
SIGN_UP: Meanings = {
    "user_already_exists": None,
    "email_exists": None,
    "over_email_send_rate_limit": None,
    "email_address_invalid": AddressRefused,
    "email_address_not_authorized": AddressRefused,
    "validation_failed": AddressRefused,
    "signup_disabled": SignUpClosed,
    "email_provider_disabled": SignUpClosed,
}
LOG_IN: Meanings = {
    "invalid_credentials": WrongCredentials,
    "validation_failed": WrongCredentials,
    "user_banned": WrongCredentials,  # upstream says so before it looks at the password
    "email_not_confirmed": EmailNotConfirmed,  # only said after the right password
}
SESSION: Meanings = dict.fromkeys(
    (
        *("refresh_token_not_found", "refresh_token_already_used", "session_not_found", "session_expired"),
        *("user_banned", "user_not_found", "validation_failed", "no_authorization", "bad_jwt"),
    ),
    SessionEnded,
)
NEW_PASSWORD: Meanings = {
    **SESSION,
    "same_password": None,
    "current_password_invalid": WrongPassword,
    "reauthentication_needed": FreshLoginNeeded,
}
MAIL: Meanings = {"over_email_send_rate_limit": None, "validation_failed": None, "user_not_found": None}
LINK: Meanings = dict.fromkeys(("otp_expired", "user_banned", "validation_failed"), LinkSpent)
STANDING: Meanings = dict.fromkeys(("user_not_found", "validation_failed"), TokenRefused)
