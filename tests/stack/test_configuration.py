"""A variable has one name everywhere: settings, examples, compose, Caddyfile, units and the local stack."""

import importlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from ava_local.stack.environment import SERVICES, Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
PEERS = {"AUTH_URL", "PROFILE_URL", "MESSAGING_URL"}
COMPOSE_TEXT = (INFRA / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
CADDYFILE_VARIABLES = set(re.findall(r"\{\$([A-Z_]+)", (INFRA / "caddy/Caddyfile").read_text()))


def settings(service: str) -> type[BaseSettings]:
    found: type[BaseSettings] = importlib.import_module(f"ava_{service.replace('-', '_')}.settings").Settings
    return found


def prefix_of(service: str) -> str:
    return str(settings(service).model_config["env_prefix"])


def variables(service: str) -> dict[str, FieldInfo]:
    """Every variable the service reads."""
    fields = settings(service).model_fields.items()
    return {str(field.validation_alias or prefix_of(service) + name).upper(): field for name, field in fields}


def example(path: Path) -> dict[str, str | None]:
    """What an example sets, including lines commented out by a `# `."""
    switched_on = re.sub(r"(?m)^# ?(?=[A-Z][A-Z0-9_]*=)", "", path.read_text())
    return dotenv_values(stream=io.StringIO(switched_on), interpolate=False)


def service_example(service: str) -> Path:
    return ROOT / "services" / service / ".env.example"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    state = tmp_path_factory.mktemp("state")
    return Environment(StackLayout(state, 8080), load_or_create(state / "secrets.json"), {})


@pytest.mark.parametrize("service", SERVICES)
def test_an_example_names_every_variable_of_its_service_and_no_other(service: str) -> None:
    assert set(example(service_example(service))) == set(variables(service))


@pytest.mark.parametrize("service", SERVICES)
def test_no_placeholder_of_an_example_passes_for_a_secret(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in variables(service):
        monkeypatch.delenv(name, raising=False)
    given = example(service_example(service))
    placeholders = {name for name, value in given.items() if (value or "").startswith("change-me")}
    try:
        settings(service)(_env_file=service_example(service))
        refused = set()
    except ValidationError as error:
        refused = {str(item["loc"][0]) for item in error.errors()}
    names = {variable: variable.removeprefix(prefix_of(service)).lower() for variable in placeholders}
    assert {name for name, field in names.items() if not {name, field} & refused} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_an_example_shows_the_real_defaults(service: str) -> None:
    given = example(service_example(service))
    for name, field in variables(service).items():
        if not field.is_required() and field.default is not None and given[name]:
            adapter: TypeAdapter[Any] = TypeAdapter(field.annotation or Any)
            assert adapter.validate_python(given[name]) == field.default, name


@pytest.mark.parametrize("service", SERVICES)
def test_every_required_variable_has_a_value_in_the_example(service: str) -> None:
    given = example(service_example(service))
    assert [
        name for name, field in variables(service).items() if field.is_required() and not given[name]
    ] == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_local_stack_gives_a_service_all_it_requires_under_the_same_names(
    service: str, local: Environment
) -> None:
    given = set(local.service(service))
    required = {name for name, field in variables(service).items() if field.is_required()}
    known = set().union(*(variables(other) for other in SERVICES))
    assert required <= given
    assert given <= known


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_gets_the_secrets_of_another(service: str, local: Environment) -> None:
    own = f"{service.upper().replace('-', '_')}_"
    shared = {"WHATSAPP_GATEWAY_LINK_CONFIRMATION", "WHATSAPP_GATEWAY_DISPLAY_NUMBER"} | PEERS
    foreign = {
        name
        for name in local.service(service)
        for other in SERVICES
        if other != service and name.startswith(f"{other.upper().replace('-', '_')}_")
    }
    assert foreign - shared - {"AUTH_ISSUER"} == set()
    assert all(not name.startswith("SUPABASE_SECRET") for name in local.service(service)) or own == "AUTH_"


@pytest.mark.parametrize("service", SERVICES)
def test_compose_gives_a_service_the_urls_of_its_peers_and_nothing_it_does_not_read(service: str) -> None:
    assert set(COMPOSE["services"][service]["environment"]) == PEERS & set(variables(service))


def test_every_variable_of_compose_is_in_its_example() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT))
    assert used == set(example(INFRA / ".env.example"))


def test_what_compose_requires_is_set_in_the_example() -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE_TEXT))
    given = dotenv_values(INFRA / ".env.example")
    assert required
    assert [name for name in required if not given.get(name)] == []


def test_the_edge_proxys_variables_are_the_same_in_caddyfile_example_compose_and_local_stack(
    local: Environment,
) -> None:
    folders = {"XDG_DATA_HOME", "XDG_CONFIG_HOME"}
    assert set(example(INFRA / "caddy/.env.example")) == CADDYFILE_VARIABLES
    assert set(local.caddy()) - folders == CADDYFILE_VARIABLES
    # In a container every interface is the right one.
    assert set(COMPOSE["services"]["caddy"]["environment"]) == CADDYFILE_VARIABLES - {"AVA_BIND"}


def test_units_and_the_edge_proxys_example_agree_on_ports_with_the_local_stack(local: Environment) -> None:
    upstreams = dotenv_values(INFRA / "caddy/.env.example")
    for service in SERVICES:
        upstream = f"{service.upper().replace('-', '_')}_UPSTREAM"
        unit = (INFRA / f"systemd/ava-{service}@.service").read_text()
        [port] = re.findall(r"--port (\d+)", unit)
        assert f"SocketBindDeny=any\nSocketBindAllow=tcp:{port}\n" in unit, "it may listen on that port only"
        assert local.caddy()[upstream] == f"127.0.0.1:{port}"
        assert "--host 127.0.0.%i " in unit, "two places, which ava-host names"
        assert upstreams[upstream] == f"ava-host:{port}"
