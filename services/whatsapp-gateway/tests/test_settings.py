"""The gateway refuses to start without its secrets or with the placeholders of the example."""

import pytest
from pydantic import SecretStr, ValidationError

from ava_whatsapp_gateway.__main__ import OperatorSettings
from ava_whatsapp_gateway.settings import Settings

from .conftest import MakeSettings


def test_the_placeholder_of_the_database_url_stops_the_service_and_the_operator_cli() -> None:
    placeholder = "postgresql://ava_whatsapp_gateway:change-me@127.0.0.1:5432/postgres"
    for kind in (Settings, OperatorSettings):
        with pytest.raises(ValidationError, match="placeholder"):
            kind(_env_file=None, database_url=SecretStr(placeholder))


@pytest.mark.parametrize("missing", ["app_secrets", "verify_token", "access_token", "client_secret"])
def test_without_a_secret_the_service_does_not_start(settings: MakeSettings, missing: str) -> None:
    empty = [] if missing == "app_secrets" else ""
    with pytest.raises(ValueError, match=missing):
        settings(**{missing: empty})
