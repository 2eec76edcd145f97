"""A variable has one name everywhere: settings, examples, compose, Caddyfile, units and the local stack."""

import importlib
import io
import re
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from ava_local.stack.environment import Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
ROOMS = ["auth", "profile", "messaging", "whatsapp-gateway"]
PEERS = {"AUTH_URL", "PROFILE_URL", "MESSAGING_URL"}
COMPOSE_TEXT = (INFRA / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
CADDYFILE_VARIABLES = set(re.findall(r"\{\$([A-Z_]+)", (INFRA / "caddy/Caddyfile").read_text()))


def settings(room: str) -> type[BaseSettings]:
    return importlib.import_module(f"ava_{room.replace('-', '_')}.settings").Settings


def prefix_of(room: str) -> str:
    return str(settings(room).model_config["env_prefix"])


def variables(room: str) -> dict[str, FieldInfo]:
    """Every variable the room reads."""
    fields = settings(room).model_fields.items()
    return {str(field.validation_alias or prefix_of(room) + name).upper(): field for name, field in fields}


def example(path: Path) -> dict[str, str | None]:
    """What an example sets, the lines that are switched off by a `# ` included."""
    switched_on = re.sub(r"(?m)^# ?(?=[A-Z][A-Z0-9_]*=)", "", path.read_text())
    return dotenv_values(stream=io.StringIO(switched_on), interpolate=False)


def room_example(room: str) -> Path:
    return ROOT / "services" / room / ".env.example"


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Environment:
    state = tmp_path_factory.mktemp("house")
    return Environment(StackLayout(state, 8080), load_or_create(state / "secrets.json"), {})


@pytest.mark.parametrize("room", ROOMS)
def test_an_example_names_every_variable_of_its_room_and_no_other(room):
    assert set(example(room_example(room))) == set(variables(room))


@pytest.mark.parametrize("room", ROOMS)
def test_no_placeholder_of_an_example_passes_for_a_secret(room, monkeypatch):
    for name in variables(room):
        monkeypatch.delenv(name, raising=False)
    told = example(room_example(room))
    placeholders = {name for name, value in told.items() if (value or "").startswith("change-me")}
    try:
        settings(room)(_env_file=room_example(room))
        refused = set()
    except ValidationError as error:
        refused = {str(item["loc"][0]) for item in error.errors()}
    names = {variable: variable.removeprefix(prefix_of(room)).lower() for variable in placeholders}
    assert {name for name, field in names.items() if not {name, field} & refused} == set()


@pytest.mark.parametrize("room", ROOMS)
def test_an_example_tells_the_true_defaults(room):
    told = example(room_example(room))
    for name, field in variables(room).items():
        if not field.is_required() and field.default is not None and told[name]:
            assert TypeAdapter(field.annotation).validate_python(told[name]) == field.default, name


@pytest.mark.parametrize("room", ROOMS)
def test_every_required_variable_has_a_value_in_the_example(room):
    told = example(room_example(room))
    assert [name for name, field in variables(room).items() if field.is_required() and not told[name]] == []


@pytest.mark.parametrize("room", ROOMS)
def test_the_local_stack_tells_a_room_all_it_must_know_under_the_same_names(room, local):
    told = set(local.room(room))
    required = {name for name, field in variables(room).items() if field.is_required()}
    somewhere = set().union(*(variables(other) for other in ROOMS))
    assert required <= told
    assert told <= somewhere


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_is_told_the_secrets_of_another(room, local):
    own = f"{room.upper().replace('-', '_')}_"
    shared = {"WHATSAPP_GATEWAY_LINK_CONFIRMATION", "WHATSAPP_GATEWAY_DISPLAY_NUMBER"} | PEERS
    foreign = {
        name
        for name in local.room(room)
        for other in ROOMS
        if other != room and name.startswith(f"{other.upper().replace('-', '_')}_")
    }
    assert foreign - shared - {"AUTH_ISSUER"} == set()
    assert all(not name.startswith("SUPABASE_SECRET") for name in local.room(room)) or own == "AUTH_"


@pytest.mark.parametrize("room", ROOMS)
def test_compose_tells_a_room_where_its_peers_are_and_nothing_it_does_not_read(room):
    assert set(COMPOSE["services"][room]["environment"]) == PEERS & set(variables(room))


def test_every_variable_of_compose_is_explained_in_its_example():
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT))
    assert used == set(example(INFRA / ".env.example"))


def test_what_compose_cannot_do_without_is_switched_on_in_the_example():
    required = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE_TEXT))
    told = dotenv_values(INFRA / ".env.example")
    assert required
    assert [name for name in required if not told.get(name)] == []


def test_the_hallways_variables_are_alike_in_caddyfile_example_compose_and_local_stack(local):
    homes = {"XDG_DATA_HOME", "XDG_CONFIG_HOME"}
    assert set(example(INFRA / "caddy/.env.example")) == CADDYFILE_VARIABLES
    assert set(local.caddy()) - homes == CADDYFILE_VARIABLES
    # In a container every interface is the right one.
    assert set(COMPOSE["services"]["caddy"]["environment"]) == CADDYFILE_VARIABLES - {"AVA_BIND"}


def test_units_and_the_hallways_example_agree_on_ports_with_the_local_stack(local):
    upstreams = dotenv_values(INFRA / "caddy/.env.example")
    for room in ROOMS:
        upstream = f"{room.upper().replace('-', '_')}_UPSTREAM"
        unit = (INFRA / f"systemd/ava-{room}.service").read_text()
        port = re.search(r"--port (\d+)", unit).group(1)
        assert f"SocketBindDeny=any\nSocketBindAllow=tcp:{port}\n" in unit, (
            "it may listen there and nowhere else"
        )
        assert upstreams[upstream] == f"127.0.0.1:{port}" == local.caddy()[upstream]
