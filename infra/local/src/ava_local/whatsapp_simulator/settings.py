"""What the simulator is told at start, read once from WHATSAPP_SIMULATOR_… variables."""

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
    def stays_at_home(cls, host: str) -> str:
        """Anyone who reaches the simulator can speak as anyone, so it listens on loopback or not at all."""
        if host != "localhost" and not _is_loopback(host):
            raise ValueError("must be a loopback address such as 127.0.0.1: the simulator is for local use")
        return host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
