"""Read a service's settings once, at start, and say clearly what is wrong with them.

Decision 0119.
"""

import os
import sys
from typing import TypeVar

from dotenv import dotenv_values
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ava_common import unknown_variables
from ava_common.setting_types import DatabaseUrl as DatabaseUrl
from ava_common.setting_types import JwtSecret
from ava_common.setting_types import LogLevel as LogLevel
from ava_common.setting_types import ProjectUrl as ProjectUrl
from ava_common.setting_types import Secret as Secret
from ava_common.setting_types import Secrets as Secrets
from ava_common.setting_types import Url as Url
from ava_common.trusted_issuers import TrustedIssuer, supabase_issuer
from ava_common.validation_messages import message

INVALID_SETTINGS_EXIT_CODE = 78
"""EX_CONFIG of sysexits.h: starting again does not help."""


def from_environment(prefix: str) -> SettingsConfigDict:
    """The `model_config` of a service's settings: its own prefix, `.env` where it is started, frozen."""
    return SettingsConfigDict(
        env_prefix=prefix,
        env_file=".env",
        env_ignore_empty=True,
        allow_inf_nan=False,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )


class ServiceSettings(BaseSettings):
    """What every service for signed-in users needs: its database, and the project whose tokens it trusts."""

    model_config = from_environment("")

    database_url: DatabaseUrl
    log_level: LogLevel = Field("INFO", validation_alias="LOG_LEVEL")
    supabase_url: ProjectUrl = Field(validation_alias="SUPABASE_URL")
    supabase_jwt_secret: JwtSecret | None = Field(None, validation_alias="SUPABASE_JWT_SECRET")
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
