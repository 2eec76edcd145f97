"""The profile service's settings, read from its environment once, at start."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ava_common.setting_types import Days
from ava_common.settings import ServiceSettings, Url, from_environment
from ava_profile.phone import E164


def _e164(number: str) -> str:
    if not E164.fullmatch(number):
        raise ValueError("must be a phone number with + and its country code, like +4930123456")
    return number


class Settings(ServiceSettings):
    """`.env.example` explains each variable."""

    model_config = from_environment("PROFILE_")

    auth_url: Url = Field(validation_alias="AUTH_URL")
    auth_issuer: str = Field("urn:ava:auth", validation_alias="AUTH_ISSUER")
    link_confirmation: Literal["off", "code"] = Field(
        "off", validation_alias="WHATSAPP_GATEWAY_LINK_CONFIRMATION"
    )
    display_number: Annotated[str, AfterValidator(_e164)] | None = Field(
        None, validation_alias="WHATSAPP_GATEWAY_DISPLAY_NUMBER"
    )
    link_network_attempts: int = Field(30, ge=1)
    link_account_attempts: int = Field(10, ge=1)
    link_attempt_window_seconds: int = Field(3600, ge=1, validation_alias="PROFILE_LINK_ATTEMPT_WINDOW")
    link_longest_wait_seconds: int = Field(3600, ge=1, validation_alias="PROFILE_LINK_LONGEST_WAIT")

    unproven_number_days: Days = 1

    @model_validator(mode="after")
    def _code_needs_a_number_to_write_to(self) -> "Settings":
        if self.link_confirmation == "code" and not self.display_number:
            raise ValueError("a confirmation code needs WHATSAPP_GATEWAY_DISPLAY_NUMBER, like +4930123456")
        return self
