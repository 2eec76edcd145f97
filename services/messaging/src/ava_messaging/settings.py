"""The messaging service's settings, read from its environment once, at start."""

from pydantic import Field

from ava_common.settings import ServiceSettings, Url, from_environment


class Settings(ServiceSettings):
    """`.env.example` explains each variable."""

    model_config = from_environment("MESSAGING_")

    auth_url: Url = Field(validation_alias="AUTH_URL")
    auth_issuer: str = Field("urn:ava:auth", validation_alias="AUTH_ISSUER")
