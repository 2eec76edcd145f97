"""The simulator's settings, read once at start from WHATSAPP_SIMULATOR_… variables."""

import ipaddress
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{5,20}$")]


class Settings(BaseSettings):
    """Where the simulator listens, where it posts webhooks, and the credentials both sides share."""

    model_config = SettingsConfigDict(env_prefix="WHATSAPP_SIMULATOR_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8081, ge=0, le=65535)
    webhook_url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    app_secret: SecretStr = Field(min_length=1)
    verify_token: SecretStr = Field(min_length=1)
    access_token: SecretStr = Field(min_length=1)
    phone_number_id: Digits = "106540352242922"
    display_number: Annotated[str, StringConstraints(pattern=r"^\+[0-9]{6,15}$")] = "+15550783881"
    waba_id: Digits = "102290129340398"
    seed: int | None = None

    @field_validator("host")
    @classmethod
    def is_loopback_only(cls, host: str) -> str:
        """Anyone who reaches the simulator can send as any phone: it listens on loopback addresses only."""
        if host != "localhost" and not _is_loopback(host):
            raise ValueError(
                "must be a loopback address such as 127.0.0.1: the simulator is for local use only"
            )
        return host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
