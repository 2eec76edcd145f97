"""What the profile room is told at its start."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from ava_common.settings import RoomSettings, room

E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class Settings(RoomSettings):
    """The room's environment; .env.example explains each variable."""

    model_config = room("PROFILE_")

    link_confirmation: Literal["off", "code"] = Field(
        "off", validation_alias="WHATSAPP_GATEWAY_LINK_CONFIRMATION"
    )
    display_number: E164 | None = Field(None, validation_alias="WHATSAPP_GATEWAY_DISPLAY_NUMBER")

    @model_validator(mode="after")
    def _code_needs_a_number_to_write_to(self) -> "Settings":
        if self.link_confirmation == "code" and not self.display_number:
            raise ValueError("a confirmation code needs WHATSAPP_GATEWAY_DISPLAY_NUMBER, like +4930123456")
        return self
