"""A service starts with valid settings or says, without revealing a secret, which are wrong."""

import pytest

from ava_common.settings import Secret, Secrets, ServiceSettings, Url, from_environment, load

GOOD = {
    "KITCHEN_DATABASE_URL": "postgres://kitchen:a-good-password@127.0.0.1/ava",
    "KITCHEN_KEY": "0123456789abcdef-key",
    "KITCHEN_KEYS": "0123456789abcdef-one, 0123456789abcdef-two",
    "SUPABASE_URL": "https://project.supabase.co/",
    "KITCHEN_SIBLING_URL": "http://sibling:8000",
}


class Settings(ServiceSettings):
    model_config = from_environment("KITCHEN_")

    key: Secret
    keys: Secrets
    sibling_url: Url
    page: Url = "https://ava.example"


def loaded(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Settings:
    for name, value in (GOOD | changes).items():
        monkeypatch.setenv(name, value)
    return load(Settings)


def test_the_environment_becomes_frozen_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch)
    assert settings.supabase_url == "https://project.supabase.co"
    assert [key.get_secret_value()[-3:] for key in settings.keys] == ["one", "two"]
    with pytest.raises(ValueError, match="frozen"):
        settings.page = "https://elsewhere.example"


def test_secrets_are_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "0123456789abcdef" not in repr(loaded(monkeypatch))
    assert "a-good-password" not in repr(loaded(monkeypatch))


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("KITCHEN_KEY", "", "is required"),
        ("KITCHEN_KEY", "tiny", "shorter than 16"),
        ("KITCHEN_KEY", "change-me-change-me-change-me", "placeholder"),
        ("KITCHEN_KEYS", "0123456789abcdef-one,short", "shorter than 16"),
        ("KITCHEN_DATABASE_URL", "", "is required"),
        ("KITCHEN_DATABASE_URL", "garbage", "is not a valid database URL"),
        ("KITCHEN_DATABASE_URL", "http://127.0.0.1/ava", "is not a valid database URL"),
        ("KITCHEN_DATABASE_URL", "postgres://kitchen@host:port/ava", "is not a valid database URL"),
        ("KITCHEN_DATABASE_URL", "postgres://kitchen@one:5432,two:port/ava", "is not a valid database URL"),
        ("KITCHEN_DATABASE_URL", "postgres://kitchen@one,,two/ava", "is not a valid database URL"),
        ("KITCHEN_DATABASE_URL", "postgres://kitchen@[::1/ava", "is not a valid database URL"),
        ("LOG_LEVEL", "LOUD", "must be 'DEBUG', 'INFO'"),
        ("SUPABASE_URL", "https://[", "not a valid URL; it should look like"),
        ("SUPABASE_URL", "https://host:99999", "not a valid URL; it should look like"),
        ("SUPABASE_URL", "http://project.supabase.co", "https://"),
        ("SUPABASE_URL", "project", "not a valid URL"),
    ],
)
def test_an_invalid_variable_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, complaint: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        loaded(monkeypatch, **{variable: value})
    assert variable in str(stopped.value)
    assert complaint in str(stopped.value)
    assert not value or value == "project" or value not in str(stopped.value)


@pytest.mark.parametrize("hosts", ["", "one", "one:5432,two:5433", "one,two", "[::1]:5432", "%2Frun%2Fpg"])
def test_a_database_url_names_its_hosts_as_asyncpg_reads_them(
    monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    url = f"postgres://kitchen:a-good-password@{hosts}/ava"
    assert loaded(monkeypatch, KITCHEN_DATABASE_URL=url).database_url.get_secret_value() == url


@pytest.mark.parametrize(
    ("given", "level"), [("warn", "WARNING"), ("Warning", "WARNING"), ("notset", "NOTSET")]
)
def test_a_log_level_is_named_as_python_names_it(
    monkeypatch: pytest.MonkeyPatch, given: str, level: str
) -> None:
    assert loaded(monkeypatch, LOG_LEVEL=given).log_level == level


def test_all_invalid_variables_are_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as stopped:
        loaded(monkeypatch, KITCHEN_KEY="short", KITCHEN_SIBLING_URL="nowhere")
    assert {"KITCHEN_KEY", "KITCHEN_SIBLING_URL"} <= {
        line.split(":")[0].strip() for line in str(stopped.value).split("\n")
    }


def test_the_report_names_the_service_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"^kitchen can't start: fix these environment variables\.\n"):
        loaded(monkeypatch, KITCHEN_KEY="short")
