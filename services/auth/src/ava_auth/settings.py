"""The auth service's settings, read from its environment once, at start."""

import json
from typing import Annotated

import jwt
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from ava_auth.issuer import read_keys
from ava_common.setting_types import copied_from, for_a_header
from ava_common.settings import Secret, ServiceSettings, Url, from_environment


def _json(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(
            'is not valid JSON; it should look like {"whatsapp-gateway": ["the secret"]}'
        ) from None


def _keys(value: SecretStr) -> SecretStr:
    read_keys(value.get_secret_value())
    return value


def _not_secret(key: SecretStr) -> SecretStr:
    if _kind(key) in ("sb_secret_", "service_role"):
        raise ValueError("holds a secret key: put the publishable one here (they may be swapped)")
    return key


def _not_publishable(key: SecretStr) -> SecretStr:
    if _kind(key) in ("sb_publishable_", "anon"):
        raise ValueError("holds the publishable key: put the secret one here (they may be swapped)")
    return key


def _kind(key: SecretStr) -> str:
    """The prefix of a new key, or the role of a legacy one, which is a token; empty if it is neither."""
    value = key.get_secret_value()
    for prefix in ("sb_secret_", "sb_publishable_"):
        if value.startswith(prefix):
            return prefix
    try:
        return str(jwt.decode(value, options={"verify_signature": False}).get("role", ""))
    except jwt.InvalidTokenError:
        return ""


_KEYS = copied_from("Supabase (project settings > API keys)")
PublishableKey = Annotated[SecretStr, _KEYS, for_a_header, AfterValidator(_not_secret)]
SecretKey = Annotated[SecretStr, _KEYS, for_a_header, AfterValidator(_not_publishable)]


class Settings(ServiceSettings):
    """`.env.example` explains each variable."""

    model_config = from_environment("AUTH_")

    auth_url: Url = Field(validation_alias="AUTH_URL")
    auth_issuer: str = Field("urn:ava:auth", validation_alias="AUTH_ISSUER")

    supabase_publishable_key: PublishableKey = Field(validation_alias="SUPABASE_PUBLISHABLE_KEY")
    supabase_secret_key: SecretKey = Field(validation_alias="SUPABASE_SECRET_KEY")
    profile_url: Url = Field(validation_alias="PROFILE_URL")
    messaging_url: Url = Field(validation_alias="MESSAGING_URL")
    public_url: Url = Field(validation_alias="PUBLIC_URL")

    signing_keys: Annotated[SecretStr, AfterValidator(_keys)]
    clients: Annotated[dict[str, list[Secret]], NoDecode, BeforeValidator(_json)]

    network_attempts: int = Field(30, ge=1)
    account_attempts: int = Field(5, ge=1)
    attempt_window_seconds: int = Field(900, ge=1, validation_alias="AUTH_ATTEMPT_WINDOW")
    longest_wait_seconds: int = Field(900, ge=1, validation_alias="AUTH_LONGEST_WAIT")
    even_seconds: float = Field(0.4, ge=0, le=30)
    session_days: int = Field(30, ge=1, le=400)
    audit_days: int = Field(365, ge=30)
    breached_passwords_url: Url | None = None
