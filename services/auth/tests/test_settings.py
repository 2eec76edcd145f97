"""auth refuses to start with harmful settings, and says what to fix."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from dotenv import dotenv_values
from pydantic import ValidationError

from ava_auth.settings import Settings
from ava_common.settings import problems

from .conftest import GATEWAY, signing_key

EXAMPLE = Path(__file__).parents[1] / ".env.example"


def variables() -> set[str]:
    return {
        str(field.validation_alias or f"AUTH_{name}").upper() for name, field in Settings.model_fields.items()
    }


def test_every_variable_is_in_the_example_and_no_other() -> None:
    assert set(dotenv_values(EXAMPLE)) == variables()


def test_the_placeholders_of_the_example_refuse_to_start() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=EXAMPLE)
    complaints = {error["loc"][0] for error in refused.value.errors()}
    assert {"SUPABASE_SECRET_KEY", "SUPABASE_PUBLISHABLE_KEY", "signing_keys", "clients"} <= complaints


@pytest.mark.parametrize(
    "change",
    [
        {"signing_keys": "[]"},
        {"signing_keys": "not json"},
        {"signing_keys": json.dumps([signing_key("same"), signing_key("same")])},
        {"signing_keys": json.dumps([{**signing_key(), "d": None}])},
        {"signing_keys": json.dumps([{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}])},
        {"clients": "{"},
        {"clients": {"whatsapp-gateway": ["short"]}},
        {"supabase_secret_key": ""},
        {"supabase_secret_key": "sb_publishable_0123456789abcdef"},
        {"supabase_secret_key": "sb_secret_0123456789abcdeföö"},
        {"supabase_publishable_key": "sb_secret_0123456789abcdef"},
        {"supabase_publishable_key": jwt.encode({"role": "service_role"}, "s" * 32)},
        {"supabase_secret_key": jwt.encode({"role": "anon"}, "s" * 32)},
        {"public_url": "ava"},
        {"audit_days": 3},
        {"even_seconds": "1e400"},
        {"even_seconds": "nan"},
        {"even_seconds": 1e300},
    ],
)
def test_a_harmful_value_is_refused_without_repeating_it(settings: Settings, change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**(dict(settings) | change))
    words = str(refused.value.errors(include_input=False, include_context=False, include_url=False))
    assert '"d"' not in words


@pytest.mark.parametrize("variable", ["SUPABASE_SECRET_KEY", "SUPABASE_PUBLISHABLE_KEY"])
def test_a_short_key_is_copied_again_from_supabase(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "abc")
    told = problems(Settings)[variable]
    assert told.endswith("characters; copy it whole from Supabase (project settings > API keys)")


def test_secrets_are_never_printed(settings: Settings) -> None:
    shown = repr(settings)
    assert "sb_secret_" not in shown
    assert GATEWAY[1] not in shown
    assert json.loads(settings.signing_keys.get_secret_value())[0]["d"] not in shown
