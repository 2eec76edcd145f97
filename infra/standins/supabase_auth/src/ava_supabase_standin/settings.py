"""The stand-in's settings, read from environment variables starting with SUPABASE_AUTH_."""

import ipaddress
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIN_KEY_LENGTH = 16


class Settings(BaseSettings):
    """Frozen after start. Times are seconds; rates are requests per five minutes unless named otherwise."""

    model_config = SettingsConfigDict(env_prefix="SUPABASE_AUTH_", frozen=True, extra="ignore")

    database_url: SecretStr
    host: str = "127.0.0.1"
    port: int = Field(default=8082, ge=0, le=65535)
    state_dir: Path | None = None

    site_url: str
    external_url: str | None = None
    issuer: str | None = None
    uri_allow_list: str = ""

    publishable_key: SecretStr
    secret_key: SecretStr
    anon_key: SecretStr | None = None
    service_role_key: SecretStr | None = None

    jwt_keys: SecretStr | None = None
    jwt_secret: SecretStr | None = None
    jwt_algorithm: Literal["ES256", "HS256"] = "ES256"
    jwt_exp: int = Field(default=3600, gt=0)

    disable_signup: bool = False
    email_enabled: bool = True
    mailer_autoconfirm: bool = True
    mailer_secure_email_change: bool = True
    mailer_otp_exp: int = 86400
    mailer_otp_length: int = Field(default=6, ge=6, le=10)
    link_template: str = "{site_url}/#verify?type={type}&token_hash={token_hash}"
    smtp_max_frequency: float = 60

    password_min_length: int = 6
    password_required_characters: str = ""
    update_password_require_current_password: bool = False
    update_password_require_reauthentication: bool = False

    refresh_token_rotation: bool = True
    refresh_token_reuse_interval: float = 10
    sessions_timebox: float = 0
    sessions_inactivity_timeout: float = 0
    sessions_single_per_user: bool = False

    rate_limit_token_refresh: float = 150
    rate_limit_otp: float = 30
    rate_limit_verify: float = 30
    rate_limit_burst: int = 30
    rate_limit_email_sent_per_hour: int = 30

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        _require_prefix("PUBLISHABLE_KEY", self.publishable_keys, "sb_publishable_")
        _require_prefix("SECRET_KEY", self.secret_keys, "sb_secret_")
        if not (self.jwt_keys or self.state_dir or self.jwt_algorithm == "HS256"):
            raise ValueError(
                "set SUPABASE_AUTH_JWT_KEYS, or SUPABASE_AUTH_STATE_DIR to store generated keys in"
            )
        if self.jwt_algorithm == "HS256" and not self.jwt_secret:
            raise ValueError("HS256 requires SUPABASE_AUTH_JWT_SECRET")
        if self.jwt_secret and len(self.jwt_secret.get_secret_value()) < 32:
            raise ValueError("SUPABASE_AUTH_JWT_SECRET must have at least 32 characters")
        return self

    @property
    def publishable_keys(self) -> list[str]:
        return _comma_separated(self.publishable_key)

    @property
    def secret_keys(self) -> list[str]:
        return _comma_separated(self.secret_key)

    @property
    def api_url(self) -> str:
        """Where callers reach the API, without a trailing slash."""
        return (self.external_url or f"http://{self.host}:{self.port}/auth/v1").rstrip("/")

    @property
    def token_issuer(self) -> str:
        return self.issuer or self.api_url

    @property
    def effective_min_password_length(self) -> int:
        """GoTrue never goes below six, whatever is configured."""
        return max(6, self.password_min_length)

    @property
    def required_characters(self) -> list[str]:
        return [chars for chars in self.password_required_characters.split(":") if chars]


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _comma_separated(secret: SecretStr) -> list[str]:
    return [key.strip() for key in secret.get_secret_value().split(",") if key.strip()]


def _require_prefix(name: str, keys: list[str], prefix: str) -> None:
    if not keys or any(not key.startswith(prefix) or len(key) < MIN_KEY_LENGTH for key in keys):
        raise ValueError(
            f"SUPABASE_AUTH_{name} must start with {prefix} and have at least {MIN_KEY_LENGTH} characters"
        )
