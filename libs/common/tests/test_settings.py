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

REMOTE = "postgresql://kitchen:a-good-password@db.example.org:5432/postgres"
POOLER = "a-good-password@aws-0-eu.pooler.supabase.com"
# As people copy them from a dashboard or from another program (supabase/supabase#27445 and others).
DATABASE_URLS = [
    ("postgresql://kitchen:[YOUR-PASSWORD]@db.abc.supabase.co:5432/postgres", "[YOUR-PASSWORD]"),
    ("postgresql://kitchen:%5Byour-password%5D@db.abc.supabase.co:5432/postgres", "[YOUR-PASSWORD]"),
    ("postgresql+asyncpg://kitchen:a-good-password@127.0.0.1/ava", "write postgresql://"),
    ("postgresql://kitchen:p@ss@127.0.0.1/ava", "@ as %40"),
    ("postgresql://kitchen:p/ss@127.0.0.1/ava", "/ as %2F"),
    ("postgresql://kitchen:p#ss@127.0.0.1/ava", "# as %23"),
    ("postgresql://kitchen:p?ss@127.0.0.1/ava", "? as %3F"),
    ("postgresql://kitchen:p:ss@127.0.0.1/ava", ": as %3A"),
    ("postgresql://kitchen:100%@127.0.0.1/ava", "% as %25"),
    (f"{REMOTE}?pgbouncer=true&connection_limit=1", "has ?connection_limit="),
    (f"{REMOTE}?channel_binding=require", "has ?channel_binding="),
    (f"{REMOTE}?options=reference%3Dabc", "has ?options="),
    (REMOTE, "leaves this machine unencrypted: add ?sslmode=require"),
    (f"{REMOTE}?sslmode=prefer", "leaves this machine unencrypted"),
    (f"{REMOTE}?sslmode=disable", "leaves this machine unencrypted"),
    (f"{REMOTE}?sslmode=strict", "unknown sslmode"),
    (f"{REMOTE}?sslmode=verify-full", "sslrootcert names no file"),
    (f"{REMOTE}?sslmode=verify-full&sslrootcert=/no/such/file", "sslrootcert names no file"),
    ("postgresql://kitchen:a-good-password@10.0.0.1,db.example.org/ava", "unencrypted"),
    (f"postgresql://kitchen.abc:{POOLER}:6543/postgres?sslmode=require", "transaction pooler"),
    (f"postgresql://kitchen:{POOLER}:5432/postgres?sslmode=require", "it is kitchen.<project reference>"),
    ("postgresql://kitchen.abc:a@db.abc.supabase.co:5432/postgres?sslmode=require", "it is kitchen alone"),
    ("postgresql://kitchen:a-good-password@127.0.0.1:5432", "names no database"),
    ("postgresql://kitchen:a-good-password@127.0.0.1:99999/ava", "is not a valid database URL"),
]


class Settings(ServiceSettings):
    model_config = from_environment("KITCHEN_")

    key: Secret
    keys: Secrets[Secret]
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
        ("KITCHEN_KEY", "tiny", "shorter than 16 characters; make one with: openssl rand -hex 32"),
        ("SUPABASE_JWT_SECRET", "tiny", "shorter than 16 characters; copy it whole from Supabase"),
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
        ("SUPABASE_URL", "https://change-me.supabase.co", "placeholder"),
        ("SUPABASE_URL", "https://abc.supabase.co/auth/v1", "remove /auth/v1"),
        ("SUPABASE_URL", "https://abc.supabase.co/rest/v1/", "remove /rest/v1"),
        ("SUPABASE_URL", "https://abc.supabase.co/auth", "remove /auth"),
        ("SUPABASE_URL", "https://abc.supabase.co ", "has a space or a line break"),
        ("SUPABASE_URL", " https://abc.supabase.co", "has a space or a line break"),
        ("SUPABASE_URL", "https://abc.supabase.co\n", "has a space or a line break"),
        ("SUPABASE_URL", "https://abc.supabase.co\N{ZERO WIDTH SPACE}", "has a space or a line break"),
        ("SUPABASE_URL", "https://<reference>.supabase.co", "not a valid URL"),
        ("KITCHEN_SIBLING_URL", "http://sibling:8000\r", "has a space or a line break"),
        ("SUPABASE_URL", "https://supabase.com/dashboard/project/abc", "Supabase's own pages"),
        ("SUPABASE_URL", "https://aws-0-eu.pooler.supabase.com", "Supabase's own pages"),
        ("SUPABASE_URL", "https://db.abc.supabase.co", "the host of the database"),
        *(("KITCHEN_DATABASE_URL", url, complaint) for url, complaint in DATABASE_URLS),
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


@pytest.mark.parametrize(
    "url",
    ["https://abc.supabase.co/", "https://a.example/supabase", "https://a.example/auth", "http://kong:8000"],
)
def test_a_project_may_be_hosted_anywhere(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert loaded(monkeypatch, SUPABASE_URL=url).supabase_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        f"{REMOTE}?sslmode=require",
        f"postgresql://kitchen.abc:{POOLER}:5432/postgres?sslmode=require",
        "postgresql://kitchen:a-good-password@db.abc.supabase.co:5432/postgres?sslmode=require",
        "postgresql://kitchen:p%40%2F%23ss@127.0.0.1/ava",
        "postgresql://kitchen:a-good-password@localhost:5432/ava",
    ],
)
def test_a_database_url_that_can_be_used_is_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert loaded(monkeypatch, KITCHEN_DATABASE_URL=url).database_url.get_secret_value() == url


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SUPABSE_URL", "SUPABSE_URL is not known, so it has no effect; did you mean SUPABASE_URL?"),
        ("KITCHEN_SIBLNG_URL", "did you mean KITCHEN_SIBLING_URL?"),
        ("KITCHEN_WINDOW", "KITCHEN_WINDOW is not known, so it has no effect; check its spelling."),
    ],
)
def test_a_variable_without_effect_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    loaded(monkeypatch, **{name: "a-value"})
    told = capsys.readouterr().err
    assert told.startswith("kitchen: ")
    assert words in told
    assert "a-value" not in told


def test_variables_of_other_programs_are_not_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded(
        monkeypatch,
        SUPABASE_ACCESS_TOKEN="of the command line",
        EDITOR="ed",
        DATABASE_URL="of another",
        KITCHEN_URL="its own",
    )
    assert capsys.readouterr().err == ""


def test_invalid_settings_end_the_process_with_a_code_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        loaded(monkeypatch, KITCHEN_KEY="short")
    assert stopped.value.code == 78
    assert "KITCHEN_KEY: is shorter" in capsys.readouterr().err


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
