"""The gateway's settings, read from its environment once, at start.

See docs/contracts/whatsapp-cloud-api.md#limits.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from ava_common.setting_types import ApiKey, Days, Patience, Seconds, copied_from, for_a_header
from ava_common.settings import DatabaseUrl, LogLevel, Secret, Secrets, Url, from_environment
from ava_common.validation_messages import Matches


def _without_version(url: str) -> str:
    if found := re.search(r"/v[0-9.]+$", url):
        raise ValueError(f"must not hold the version: remove {found[0]} (GRAPH_API_VERSION has it)")
    return url


GraphUrl = Annotated[Url, AfterValidator(_without_version)]
AppSecret = Annotated[SecretStr, copied_from("Meta (app dashboard > App settings > Basic > App secret)")]
AccessToken = Annotated[SecretStr, copied_from("Meta (a system user's permanent token)"), for_a_header]


class Settings(BaseSettings):
    """`.env.example` explains each variable."""

    model_config = from_environment("WHATSAPP_GATEWAY_")

    database_url: DatabaseUrl
    log_level: LogLevel = Field("INFO", validation_alias="LOG_LEVEL")
    auth_url: Url = Field(validation_alias="AUTH_URL")
    profile_url: Url = Field(validation_alias="PROFILE_URL")
    messaging_url: Url = Field(validation_alias="MESSAGING_URL")
    graph_api_url: GraphUrl = Field("https://graph.facebook.com", validation_alias="GRAPH_API_URL")
    graph_api_version: Annotated[str, Matches(r"^v[0-9]+\.[0-9]+$", "must look like v25.0")] = Field(
        "v25.0", validation_alias="GRAPH_API_VERSION"
    )
    public_url: Url | None = Field(None, validation_alias="PUBLIC_URL")
    # Reserved for the next phase: given to an answerer inside this process, sent to nobody.
    ollama_url: Url | None = Field(None, validation_alias="OLLAMA_URL")
    image_generation_url: Url | None = Field(None, validation_alias="IMAGE_GENERATION_URL")

    client_secret: Secret
    app_secrets: Secrets[AppSecret]
    verify_token: Secret
    access_token: AccessToken
    phone_number_id: Annotated[
        str,
        Matches(
            r"^[0-9]{1,32}$", "must be the number's id at Meta, digits only; not the phone number itself"
        ),
    ]

    answer_url: Url | None = None
    answer_secret: ApiKey | None = Field(None, validate_default=True)
    answer_timeout_seconds: Patience = Field(120, validation_alias="WHATSAPP_GATEWAY_ANSWER_TIMEOUT")
    answer_concurrency: int = Field(256, ge=1)
    answer_history: int = Field(20, ge=0, le=199)
    typing_indicator: Literal["on", "off"] = "on"

    link_confirmation: Literal["off", "code"] = "off"
    unknown_policy: Literal["wait", "resend_once"] = "wait"
    unknown_wait_seconds: Seconds = Field(900, validation_alias="WHATSAPP_GATEWAY_UNKNOWN_WAIT")
    stale_after_seconds: Seconds = Field(84_600, validation_alias="WHATSAPP_GATEWAY_STALE_AFTER")
    held_days: Days = 7
    held_replay_minutes: float = Field(60, ge=0, le=525_600)
    raw_days: Days = 30
    done_days: Days = Field(30, gt=8)
    undecided_days: Days = Field(90, gt=8)

    body_limit_bytes: int = Field(
        4 * 1024 * 1024, ge=3 * 1024 * 1024, validation_alias="WHATSAPP_GATEWAY_BODY_LIMIT"
    )
    database_connections: int = Field(7, ge=3)
    concurrency: int = Field(16, ge=1)
    lease_seconds: Patience = Field(30, validation_alias="WHATSAPP_GATEWAY_LEASE")
    poll_seconds: Seconds = Field(1.0, validation_alias="WHATSAPP_GATEWAY_POLL")
    peer_timeout_seconds: Patience = Field(5.0, validation_alias="WHATSAPP_GATEWAY_ROOM_TIMEOUT")
    graph_timeout_seconds: Patience = Field(10.0, validation_alias="WHATSAPP_GATEWAY_GRAPH_TIMEOUT")
    attempts: int = Field(8, ge=1)
    peer_patience_hours: float = Field(
        72, gt=0, le=8_760, validation_alias="WHATSAPP_GATEWAY_ROOM_PATIENCE_HOURS"
    )
    backoff_unit_seconds: Seconds = Field(1.0, validation_alias="WHATSAPP_GATEWAY_BACKOFF_UNIT")
    sends_per_second: float = Field(80, ge=0.01, le=100_000, validation_alias="WHATSAPP_GATEWAY_NUMBER_RATE")
    pair_gap_seconds: float = Field(6.0, ge=0, le=3_600, validation_alias="WHATSAPP_GATEWAY_PAIR_GAP")
    pair_burst: int = Field(45, ge=1)
    probe_seconds: Seconds = Field(60.0, validation_alias="WHATSAPP_GATEWAY_PROBE")
    ready_backlog_age_seconds: Seconds = Field(300, validation_alias="WHATSAPP_GATEWAY_READY_BACKLOG_AGE")

    @field_validator("answer_secret")
    @classmethod
    def _goes_with_the_url(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None and info.data.get("answer_url"):
            raise ValueError("is required where WHATSAPP_GATEWAY_ANSWER_URL is set; both sides know it")
        return secret
