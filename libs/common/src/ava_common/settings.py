"""Read a service's settings once, at start, and say clearly what is wrong with them.

Decision 0119.
"""

import os
import sys
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ava_common import database_url, unknown_variables
from ava_common.database_url import is_private
from ava_common.token_verifier import TrustedIssuer, supabase_issuer
from ava_common.validation_messages import message

SECRET_MIN_CHARACTERS = 16
INVALID_SETTINGS_EXIT_CODE = 78
"""EX_CONFIG of sysexits.h: starting again does not help."""


def _strong(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value.startswith("change-me"):
        raise ValueError("still holds the placeholder of .env.example; put a real secret here")
    if len(value) < SECRET_MIN_CHARACTERS:
        raise ValueError(
            f"is shorter than {SECRET_MIN_CHARACTERS} characters; make one with: openssl rand -hex 32"
        )
    return secret


def _database_url(url: SecretStr) -> SecretStr:
    if problem := database_url.problem(url.get_secret_value()):
        raise ValueError(problem)
    return url


def _http_url(url: str) -> str:
    host = _http_host(url)
    if not host:
        raise ValueError("is not a valid URL; it should look like https://host or http://127.0.0.1:8080")
    if host.startswith("change-me"):
        raise ValueError("still holds the placeholder of .env.example; put the real address here")
    if urlsplit(url).scheme == "http" and not is_private(host):
        raise ValueError("must start with https:// because it leaves this machine")
    return url.rstrip("/")


def _http_host(url: str) -> str | None:
    """The host an http(s) URL names; None when there is none, or it cannot be read."""
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.scheme in ("http", "https") and parts.port != 0 else None
    except ValueError:  # the library says it in its own words
        return None


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _level(value: object) -> object:
    name = value.upper() if isinstance(value, str) else value
    return "WARNING" if name == "WARN" else name


Secret = Annotated[SecretStr, AfterValidator(_strong)]
"""A secret that never prints; empty, short and placeholder values refuse the start."""

DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
"""The login URL of a service's own database role; a placeholder or anything else refuses the start."""

Secrets = Annotated[list[Secret], NoDecode, BeforeValidator(_split), Field(min_length=1)]
"""One or more secrets, comma-separated, the current one first: two at once are a rotation."""

Url = Annotated[str, AfterValidator(_http_url)]
"""An http(s) base URL without a trailing slash; plain http only to private hosts."""

LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NOTSET"], BeforeValidator(_level)
]
"""The least severe lines that are logged, as Python's logging names them; upper or lower case."""


def from_environment(prefix: str) -> SettingsConfigDict:
    """The `model_config` of a service's settings: its own prefix, `.env` where it is started, frozen."""
    return SettingsConfigDict(
        env_prefix=prefix,
        env_file=".env",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )


class ServiceSettings(BaseSettings):
    """What every service for signed-in users needs: its database, and the project whose tokens it trusts."""

    model_config = from_environment("")

    database_url: DatabaseUrl
    log_level: LogLevel = Field("INFO", validation_alias="LOG_LEVEL")
    supabase_url: Url = Field(validation_alias="SUPABASE_URL")
    supabase_jwt_secret: Secret | None = Field(None, validation_alias="SUPABASE_JWT_SECRET")
    supabase_jwt_issuer: str | None = Field(None, validation_alias="SUPABASE_JWT_ISSUER")

    def user_tokens(self) -> TrustedIssuer:
        """Supabase Auth, which issues the access tokens of users."""
        secret = self.supabase_jwt_secret.get_secret_value() if self.supabase_jwt_secret else None
        return supabase_issuer(self.supabase_url, name=self.supabase_jwt_issuer, secret=secret)


class InvalidSettings(SystemExit):
    """A service cannot start with these variables; the message lists what is wrong with each."""

    def __init__(self, report: str) -> None:
        super().__init__(report)
        self.report = report
        self.code = INVALID_SETTINGS_EXIT_CODE

    def __str__(self) -> str:
        return self.report


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S], *, is_part: bool = False) -> S:
    """The settings from the environment and `.env`; ends the process with a list of what is wrong.

    Both that list and variables that are not known are told on standard error; the latter not if these
    settings are only a part of the service's.
    """
    for sentence in [] if is_part else unknown_to(settings):
        sys.stderr.write(f"{service_name(settings)}: {sentence}\n")
    try:
        return settings()
    except ValidationError as error:
        report = _report(settings, error)
        sys.stderr.write(f"{report}\n")
        raise InvalidSettings(report) from None


def problems(settings: type[BaseSettings]) -> dict[str, str]:
    """What is wrong with each variable of a service, as it is now set."""
    try:
        settings()
    except ValidationError as error:
        # Never error["input"]: it may be a secret.
        found = error.errors(include_input=False, include_url=False)
        return {variable(settings, item["loc"]): message(item) for item in found}
    return {}


def unknown_to(settings: type[BaseSettings]) -> list[str]:
    """A sentence for each variable that looks like one of the service's and is not.

    The service's own address is for those that ask it, and may be in a file that all share.
    """
    given = {*os.environ, *dotenv_values(".env")} - {f"{prefix(settings)}URL"}
    return unknown_variables.unknown(given, variables(settings), (prefix(settings),))


def variables(settings: type[BaseSettings]) -> list[str]:
    """The names of all variables that a service reads."""
    return [
        str(field.validation_alias or variable(settings, (name,)))
        for name, field in settings.model_fields.items()
    ]


def prefix(settings: type[BaseSettings]) -> str:
    return str(settings.model_config.get("env_prefix", ""))


def service_name(settings: type[BaseSettings]) -> str:
    return prefix(settings).rstrip("_").lower().replace("_", "-")


def _report(settings: type[BaseSettings], error: ValidationError) -> str:
    # Never error["input"]: it may be a secret.
    lines = [
        f"  {variable(settings, item['loc'])}: {message(item)}"
        for item in error.errors(include_input=False, include_url=False)
    ]
    first = f"{service_name(settings)} can't start: fix these environment variables."
    return "\n".join([first, *lines, "See .env.example."])


def variable(settings: type[BaseSettings], location: tuple[int | str, ...]) -> str:
    """The variable's name for the location of one of pydantic's errors."""
    name = str(location[0]) if location else "environment"
    return name if name.isupper() else f"{prefix(settings)}{name}".upper()
