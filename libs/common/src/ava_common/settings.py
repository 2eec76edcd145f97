"""Read a service's settings once, at start, and say clearly what is wrong with them."""

import ipaddress
import re
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ava_common.token_verifier import TrustedIssuer, supabase_issuer
from ava_common.validation_messages import message

SECRET_MIN_CHARACTERS = 16
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^:,\[\]]+)(:[0-9]{1,5})?"
_HOSTS = re.compile(rf"({_HOST}(,{_HOST})*)?")  # a database URL may name several


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
    value = url.get_secret_value()
    if "change-me" in value:
        raise ValueError("still holds the placeholder of .env.example; put the role's real password here")
    if not _is_postgresql(value):
        raise ValueError(
            "is not a valid database URL; it should look like postgresql://role:password@host:5432/postgres"
        )
    return url


def _is_postgresql(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    hosts = parts.netloc.rpartition("@")[2]
    return parts.scheme in ("postgresql", "postgres") and _HOSTS.fullmatch(hosts) is not None


def _is_private(host: str) -> bool:
    """Hosts that plain http may reach: this machine, a private address, a bare name of a private network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def _http_url(url: str) -> str:
    host = _http_host(url)
    if not host:
        raise ValueError("is not a valid URL; it should look like https://host or http://127.0.0.1:8080")
    if urlsplit(url).scheme == "http" and not _is_private(host):
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


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """The settings from the environment and `.env`; ends the process with a list of what is wrong."""
    try:
        return settings()
    except ValidationError as error:
        raise SystemExit(_report(settings, error)) from None


def _report(settings: type[BaseSettings], error: ValidationError) -> str:
    # Never error["input"]: it may be a secret.
    service = str(settings.model_config.get("env_prefix", "")).rstrip("_").lower().replace("_", "-")
    lines = [
        f"  {_variable(settings, item['loc'])}: {message(item)}"
        for item in error.errors(include_input=False, include_url=False)
    ]
    return "\n".join(
        [f"{service} can't start: fix these environment variables.", *lines, "See .env.example."]
    )


def _variable(settings: type[BaseSettings], location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "environment"
    return name if name.isupper() else f"{settings.model_config.get('env_prefix', '')}{name}".upper()
