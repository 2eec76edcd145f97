"""A service that cannot start names each invalid variable in our own words, never the library's."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from contract.test_refusals import LIBRARY, UNEXPLAINED
from pydantic_settings import BaseSettings

from ava_common.settings import load
from ava_local.stack.environment import SERVICES

# An issuer may have any name.
ANY_TEXT = {"AUTH_ISSUER", "SUPABASE_JWT_ISSUER"}
GARBAGE = [
    "garbage", "change-me", "[]", "{}", "[1]", '{"a": 1}', '{"a": ["x"]}', '{"a": [1]}', '[{"kty": "oct"}]',
    "-1", "0", "1.5", "9" * 40, "nan", "ftp://host", "http://project.supabase.co", "+12", ",", "postgresql://",
    "http://[", "https://[::1", "https://host:99999",
]  # fmt: skip


def settings_of(service: str) -> type[BaseSettings]:
    found: type[BaseSettings] = importlib.import_module(f"ava_{service.replace('-', '_')}.settings").Settings
    return found


def variables(service: str) -> list[str]:
    settings = settings_of(service)
    fields = settings.model_fields.items()
    return [
        str(field.validation_alias or f"{settings.model_config['env_prefix']}{name}".upper())
        for name, field in fields
    ]


EVERY_VARIABLE = [
    pytest.param(service, variable, id=f"{service}: {variable}")
    for service in SERVICES
    for variable in variables(service)
]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """What a service says when it is started with these variables alone: the words for each of its own."""

    def start(service: str, **environment: str) -> dict[str, str]:
        monkeypatch.chdir(tmp_path)  # where no .env is
        for name in variables(service):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            load(settings_of(service))
        return dict(re.findall(r"^  ([A-Z_]+): (.+)$", str(stopped.value), re.MULTILINE))

    return start


@pytest.mark.parametrize(("service", "variable"), EVERY_VARIABLE)
def test_an_invalid_variable_is_named_in_our_own_words(
    report: Callable[..., dict[str, str]], service: str, variable: str
) -> None:
    missing = report(service)
    refused = set()
    for value in GARBAGE:
        told = report(service, **{variable: value})
        words = told.get(variable, "")
        assert not LIBRARY.search(words), value
        assert words != UNEXPLAINED, value
        assert told.items() - {(variable, words)} <= missing.items()
        refused |= {words} - {"", missing.get(variable, "")}
    assert refused or variable in ANY_TEXT


@pytest.mark.parametrize("service", SERVICES)
def test_a_missing_variable_is_named_in_our_own_words(
    report: Callable[..., dict[str, str]], service: str
) -> None:
    required = {
        variable
        for variable, field in zip(
            variables(service), settings_of(service).model_fields.values(), strict=True
        )
        if field.is_required()
    }
    assert report(service) == dict.fromkeys(required, "is required")
