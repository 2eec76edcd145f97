"""The gateway refuses to start without its secrets or with the placeholders of the example."""

import pytest
from pydantic import SecretStr, ValidationError

from ava_common.settings import problems
from ava_whatsapp_gateway.__main__ import OperatorSettings
from ava_whatsapp_gateway.settings import Settings

from .conftest import MakeSettings


def test_the_placeholder_of_the_database_url_stops_the_service_and_the_operator_cli() -> None:
    placeholder = "postgresql://ava_whatsapp_gateway:change-me@127.0.0.1:5432/postgres"
    for kind in (Settings, OperatorSettings):
        with pytest.raises(ValidationError, match="placeholder"):
            kind(_env_file=None, database_url=SecretStr(placeholder))


@pytest.mark.parametrize("name", ["answer_url", "ollama_url", "image_generation_url"])
def test_an_address_of_an_answerer_is_checked_at_the_start(settings: MakeSettings, name: str) -> None:
    secret = "a-secret-of-the-answerer-alone"
    for near in (
        "http://127.0.0.1:9000",
        "http://10.0.0.7:9000",
        "http://answerer:9000",
        "https://a.example",
    ):
        assert getattr(settings(**{name: near, "answer_secret": secret}), name) == near
    for wrong in ("http://a.example", "http://8.8.8.8:9000", "127.0.0.1:9000", "ollama"):
        with pytest.raises(ValidationError, match=name):
            settings(**{name: wrong, "answer_secret": secret})


def test_an_answerer_without_a_secret_stops_the_service(settings: MakeSettings) -> None:
    with pytest.raises(ValidationError, match="is required where WHATSAPP_GATEWAY_ANSWER_URL is set"):
        settings(answer_url="http://127.0.0.1:9000")
    with pytest.raises(ValidationError, match="placeholder"):
        settings(answer_url="http://127.0.0.1:9000", answer_secret="change-me")
    assert settings().answer_url is None


@pytest.mark.parametrize("name", ["access_token", "answer_secret"])
@pytest.mark.parametrize(
    "wrong", ["a-secret-with-an-umlaut-ä", " a-secret-after-a-blank", "a-line-with-its-end\n"]
)
def test_a_secret_that_no_header_carries_is_found_at_the_start(
    settings: MakeSettings, name: str, wrong: str
) -> None:
    with pytest.raises(ValidationError, match="from copying: remove it") as refused:
        settings(**{name: wrong})
    assert name in str(refused.value)


@pytest.mark.parametrize("missing", ["app_secrets", "verify_token", "access_token", "client_secret"])
def test_without_a_secret_the_service_does_not_start(settings: MakeSettings, missing: str) -> None:
    empty = [] if missing == "app_secrets" else ""
    with pytest.raises(ValueError, match=missing):
        settings(**{missing: empty})


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("APP_SECRETS", "copy it whole from Meta (app dashboard > App settings > Basic > App secret)"),
        ("ACCESS_TOKEN", "copy it whole from Meta (a system user's permanent token)"),
        ("VERIFY_TOKEN", "make one with: openssl rand -hex 32"),
        ("CLIENT_SECRET", "make one with: openssl rand -hex 32"),
    ],
)
def test_a_short_secret_is_made_by_who_gives_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, remedy: str
) -> None:
    monkeypatch.setenv(f"WHATSAPP_GATEWAY_{variable}", "abc")
    told = problems(Settings)[f"WHATSAPP_GATEWAY_{variable}"]
    assert told == f"is shorter than 16 characters; {remedy}"


NUMBERS = {
    name: str(field.validation_alias or f"WHATSAPP_GATEWAY_{name}").upper()
    for name, field in Settings.model_fields.items()
    if field.annotation is float
}
# No gap at all between two messages to one person is a choice.
WAITS = [variable for name, variable in NUMBERS.items() if name.endswith("_seconds") and "gap" not in name]


@pytest.mark.parametrize("variable", NUMBERS.values())
@pytest.mark.parametrize("wrong", ["1e400", "-1e400", "nan", "1e300", "-1"])
def test_a_number_without_sense_stops_the_service(
    monkeypatch: pytest.MonkeyPatch, variable: str, wrong: str
) -> None:
    monkeypatch.setenv(variable, wrong)
    assert problems(Settings)[variable].startswith("must be ")


@pytest.mark.parametrize("variable", WAITS)
def test_a_time_in_which_nothing_can_happen_stops_the_service(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "0.001")
    assert problems(Settings)[variable].startswith("must be at least 0.")


def test_the_version_is_in_one_variable_only(settings: MakeSettings) -> None:
    with pytest.raises(ValidationError, match=r"remove /v25\.0 \(GRAPH_API_VERSION has it\)"):
        settings(graph_api_url="https://graph.facebook.com/v25.0")
    assert settings(graph_api_url="https://graph.facebook.com/").graph_api_url == "https://graph.facebook.com"


def test_the_access_token_is_the_token_alone(settings: MakeSettings) -> None:
    with pytest.raises(ValidationError, match="begins with Bearer"):
        settings(access_token="Bearer EAAG0123456789abcdef")
