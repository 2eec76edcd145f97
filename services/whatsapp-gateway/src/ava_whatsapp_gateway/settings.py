"""What the gateway reads from its environment, once, at start."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from ava_common.settings import DatabaseUrl, Secret, Secrets, Url, room


class Settings(BaseSettings):
    """Times are seconds unless the name says otherwise; `.env.example` explains each."""

    model_config = room("WHATSAPP_GATEWAY_")

    database_url: DatabaseUrl
    log_level: str = Field("INFO", validation_alias="LOG_LEVEL")
    auth_url: Url = Field(validation_alias="AUTH_URL")
    profile_url: Url = Field(validation_alias="PROFILE_URL")
    messaging_url: Url = Field(validation_alias="MESSAGING_URL")
    graph_api_url: Url = Field("https://graph.facebook.com", validation_alias="GRAPH_API_URL")
    graph_api_version: str = Field("v25.0", pattern=r"^v\d+\.\d+$", validation_alias="GRAPH_API_VERSION")
    public_url: Url | None = Field(None, validation_alias="PUBLIC_URL")

    client_secret: Secret
    app_secrets: Secrets
    verify_token: Secret
    access_token: Secret
    phone_number_id: str = Field(pattern=r"^\d{1,32}$")

    link_confirmation: Literal["off", "code"] = "off"
    unknown_policy: Literal["wait", "resend_once"] = "wait"
    unknown_wait: float = Field(900, gt=0)
    stale_after: float = Field(84_600, gt=0)
    held_days: float = Field(7, gt=0)
    raw_days: float = Field(30, gt=0)
    done_days: float = Field(30, gt=8)

    body_limit: int = Field(4 * 1024 * 1024, ge=3 * 1024 * 1024)
    database_connections: int = Field(8, ge=3)
    concurrency: int = Field(16, ge=1)
    lease: float = Field(30, gt=0)
    poll: float = Field(1.0, gt=0)
    room_timeout: float = Field(5.0, gt=0)
    graph_timeout: float = Field(10.0, gt=0)
    attempts: int = Field(8, ge=1)
    room_patience_hours: float = Field(72, gt=0)
    backoff_unit: float = Field(1.0, gt=0)
    number_rate: float = Field(80, gt=0)
    pair_gap: float = Field(6.0, ge=0)
    pair_burst: int = Field(45, ge=1)
    probe: float = Field(60.0, gt=0)
    ready_backlog_age: float = Field(300, gt=0)
