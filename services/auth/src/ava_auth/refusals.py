"""What this room refuses, in words that say what to do next and never who has an account."""

from ava_common.problems import Problem


class WrongCredentials(Problem):
    """The e-mail address or the password is not right. Check both; a forgotten password can be replaced."""

    status = 401


class WrongPassword(Problem):
    """This is not your current password. Type it again; a forgotten one can be replaced by e-mail."""

    status = 403


class EmailNotConfirmed(Problem):
    """Your e-mail address is not confirmed yet. Open the link we sent you, or ask for a new one."""

    status = 403


class SessionEnded(Problem):
    """This session has ended. Log in again."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class FreshLoginNeeded(Problem):
    """This needs a fresh log-in. Log out, log in and do it again."""

    status = 403


class PasswordRefused(Problem):
    """This password cannot be used. Choose another one; `errors` says why."""

    status = 422

    def __init__(self, *reasons: str, pointer: str = "#/password") -> None:
        super().__init__(
            f"This password cannot be used: {'; '.join(reasons)}.",
            errors=[{"pointer": pointer, "detail": reason} for reason in reasons],
        )


class AddressRefused(Problem):
    """No mail can be sent to this e-mail address. Check the spelling or use another address."""

    status = 422

    def __init__(self) -> None:
        super().__init__(errors=[{"pointer": "#/email", "detail": "is not accepted"}])


class SignUpClosed(Problem):
    """New accounts cannot be made at the moment. Come back later."""

    status = 403


class LinkSpent(Problem):
    """This link was used already or is too old. Ask for a new one and open it within a day."""

    status = 410


class TooManyAttempts(Problem):
    """Too many attempts. Wait as long as Retry-After says, then try once more."""

    status = 429

    def __init__(self, seconds: int) -> None:
        words = f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
        super().__init__(
            f"Too many attempts. Wait {words}, then try once more.", headers={"Retry-After": str(seconds)}
        )


class AccountsAway(Problem):
    """Accounts cannot be reached right now. Nothing is lost; try again in a moment."""

    status = 503

    def __init__(self, seconds: int = 5) -> None:
        super().__init__(headers={"Retry-After": str(seconds)})


class RoomAway(Problem):
    """A part of the house does not answer right now. Try again in a moment."""

    status = 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class CrossSite(Problem):
    """The browser's session is only opened, renewed and closed by our own page. Programs use /auth/login."""

    status = 403


class ClientUnknown(Problem):
    """This client is not known here. Send its name and secret as HTTP Basic credentials."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Basic realm="internal"'})


class ExchangeUnknown(Problem):
    """This exchange is not offered. Use the grant type and subject token type of our API description."""

    status = 400


class TokenRefused(Problem):
    """Nobody may act for this person: the account is gone, deleted or banned. Do not ask again for it."""

    status = 403
