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
from ava_common.token_verifier import InvalidToken

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
    *("user_banned", "user_not_found", "validation_failed"),
)
# Not the session has ended but this token: it has just expired, which we forgive for some seconds.
TOKEN_REFUSED: Problems = dict.fromkeys(("bad_jwt", "no_authorization"), InvalidToken)
SESSION: Problems = dict.fromkeys((*SESSION_ENDED, *TOKEN_REFUSED), SessionEnded)
LIVE_SESSION: Problems = {**SESSION, **TOKEN_REFUSED, "user_not_found": AccountGone}
NEW_PASSWORD: Problems = {
    **LIVE_SESSION,
    "current_password_invalid": WrongPassword,
    "reauthentication_needed": FreshLoginNeeded,
}
LINK: Problems = dict.fromkeys(("otp_expired", "user_banned", "validation_failed"), LinkSpent)
STANDING: Problems = dict.fromkeys(("user_not_found", "validation_failed"), TokenRefused)

# Not reported, because the answer would tell strangers who has an account.
SIGN_UP_UNREPORTED = ("user_already_exists", "email_exists", "over_email_send_rate_limit")
# Said once a mail is to be sent, and so of known addresses only. An operator has to hear of it.
MAIL_UNSENT = ("email_address_not_authorized", "email_address_invalid", "unexpected_failure")
MAIL_UNREPORTED = ("over_email_send_rate_limit", "validation_failed", "user_not_found", *MAIL_UNSENT)
