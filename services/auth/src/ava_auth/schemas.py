"""The request and response bodies, and the queries."""

import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, SecretStr
from pydantic_core import PydanticCustomError

from ava_auth.user_and_session import Link, Scope, Session
from ava_common.bodies import PublicInput

EMAIL_MAX_BYTES = 254
_ATOM = r"[^\s@,;:<>()\[\]\"\\\x00-\x1f\x7f]"
_EMAIL = re.compile(rf"{_ATOM}+@(?:(?!\.){_ATOM})+(?:\.(?:(?!\.){_ATOM})+)+")


def _email(typed: str) -> str:
    address = typed.strip().lower()
    if len(address.encode()) > EMAIL_MAX_BYTES or not _EMAIL.fullmatch(address):
        raise PydanticCustomError(
            "email", "is not a valid e-mail address; it should look like name@example.org"
        )
    return address


Email = Annotated[
    str, AfterValidator(_email), Field(examples=["ada@example.org"], json_schema_extra={"format": "email"})
]
_WITHOUT_NUL = {"pattern": r"^[^\x00]*$"}
Password = Annotated[
    SecretStr,
    Field(min_length=1, max_length=1000, json_schema_extra=_WITHOUT_NUL, examples=["quiet-harbour-7"]),
]
Token = Annotated[SecretStr, Field(min_length=1, max_length=4096, json_schema_extra=_WITHOUT_NUL)]


class Credentials(PublicInput):
    email: Email
    password: Password


class Mailbox(PublicInput):
    email: Email


class Renewal(PublicInput):
    refresh_token: Token


class OpenedLink(PublicInput):
    """The token of an e-mail's link, and the password to use from now on."""

    type: Link
    token_hash: Token
    new_password: Password


class NewPassword(PublicInput):
    current_password: Password
    new_password: Password


class Proof(PublicInput):
    password: Password


class EndedSessions(PublicInput):
    """Which sessions a log-out ends."""

    scope: Scope = "local"


class Acknowledgement(BaseModel):
    """Words for the user."""

    message: str


class Me(BaseModel):
    """Who is signed in."""

    id: UUID
    email: str | None


class SignedIn(BaseModel):
    """Who is signed in, or null."""

    user: Me | None


class Tokens(BaseModel):
    """A session for programs. `expires_in` seconds, `expires_at` Unix seconds."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105 (RFC 6749, not a secret)
    expires_in: int
    expires_at: int
    user: Me

    @classmethod
    def of(cls, session: Session) -> "Tokens":
        return cls(
            access_token=session.access_token,
            refresh_token=session.refresh_token,
            expires_in=session.expires_in,
            expires_at=session.expires_at,
            user=me(session),
        )


def me(session: Session) -> Me:
    return Me(id=session.user.id, email=session.user.email)
