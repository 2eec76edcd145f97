"""The problems of the auth service, in words that say what to do next and never who has an account.

Decision 0061.
"""

from ava_common.problems import Problem


class WrongCredentials(Problem):
    """The e-mail address or the password is wrong. Check both; you can reset a forgotten password."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class WrongPassword(Problem):
    """This is not your current password. Try again; you can reset a forgotten one by e-mail."""

    status = 403


class EmailNotConfirmed(Problem):
    """Your e-mail address is not confirmed yet. Open the link we sent you, or ask for a new one."""

    status = 403


class FreshLoginNeeded(Problem):
    """This needs a recent log-in. Log out, log in again and retry."""

    status = 403


class PasswordRefused(Problem):
    """This password cannot be used. Choose another one; `errors` says why."""

    status = 422

    def __init__(self, *reasons: str, pointer: str = "#/password") -> None:
        super().__init__(
            f"This password cannot be used: {'; '.join(reasons)}.",
            errors=[{"pointer": pointer, "detail": reason} for reason in reasons],
        )


class EmailRefused(Problem):
    """No e-mail can be sent to this address. Check the spelling or use another address."""

    status = 422
    name = "address-refused"

    def __init__(self) -> None:
        super().__init__(errors=[{"pointer": "#/email", "detail": "is not accepted"}])


class SignUpClosed(Problem):
    """New accounts cannot be created at the moment. Try again later."""

    status = 403


class LinkSpent(Problem):
    """This link has already been used or has expired. Ask for a new one and open it soon."""

    status = 410


class AccountsAway(Problem):
    """Accounts are temporarily unavailable. Nothing is lost; try again in a moment."""

    status = 503

    def __init__(self, seconds: int = 5) -> None:
        super().__init__(headers={"Retry-After": str(seconds)})


class ServiceUnavailable(Problem):
    """Part of Ava is temporarily unavailable. Try again in a moment."""

    status = 503
    name = "room-away"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class CrossSite(Problem):
    """Browser sessions are only opened, renewed and closed from Ava's own page. Programs use /auth/login."""

    status = 403


class ClientUnknown(Problem):
    """Unknown client or wrong secret. Send the client's name and secret as HTTP Basic credentials."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Basic realm="internal"'})


class ExchangeUnknown(Problem):
    """Unsupported grant or token type. Use the ones in the API description."""

    status = 400


class TokenRefused(Problem):
    """No service may act for this user: the account does not exist, or is deleted or banned. Don't retry."""

    status = 403
