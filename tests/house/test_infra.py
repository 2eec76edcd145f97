"""The files a house is deployed with are valid, alike for every room, and open no more than must be open."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ava_local.stack.definition import service as local_room
from ava_local.stack.environment import Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
CADDYFILE = INFRA / "caddy/Caddyfile"
COMPOSE_FILE = INFRA / "docker-compose.yml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
ROOMS = ["auth", "profile", "messaging", "whatsapp-gateway"]
UNITS = ["caddy", *ROOMS]


def package(room: str) -> str:
    return "ava_" + room.replace("-", "_")


def dockerfile(room: str) -> Path:
    return ROOT / "services" / room / "Dockerfile"


def run(program: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """One of the workshop's programs, or one of this machine's."""
    beside = Path(sys.executable).with_name(program)
    command = [str(beside) if beside.exists() else program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def says_nothing(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_caddy_takes_its_file(tmp_path):
    homes = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(tmp_path))
    done = run("caddy", "validate", "--adapter", "caddyfile", "--config", CADDYFILE, env=homes)
    assert done.returncode == 0, done.stderr


def test_the_caddyfile_is_formatted():
    assert run("caddy", "fmt", CADDYFILE).stdout.rstrip("\n") == CADDYFILE.read_text().rstrip("\n")


def test_compose_keeps_to_its_schema():
    done = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE_FILE)
    assert done.returncode == 0, done.stdout


def test_compose_runs_the_hallway_and_the_four_rooms():
    assert list(SERVICES) == UNITS


def test_only_the_hallway_is_open_to_the_outside():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"caddy"}
    assert not [
        name for name, service in SERVICES.items() if service.get("network_mode") or service.get("privileged")
    ]


@pytest.mark.parametrize("name", UNITS)
def test_every_service_is_watched_confined_and_brought_back(name):
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "stop_grace_period", "logging"} <= set(service)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_an_image_and_an_environment_of_its_own(room):
    service = SERVICES[room]
    assert service["image"].startswith(f"ava-{room}:")
    assert (INFRA / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == dockerfile(
        room
    )
    assert [file["path"] for file in service["env_file"]] == [f"../services/{room}/.env"]
    assert "depends_on" not in service, "each room is deployed alone"


def test_every_file_compose_mounts_is_there():
    mounts = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [mount for mount in mounts if mount.startswith(".")]
    assert files
    assert all((INFRA / file).is_file() for file in files)


def test_the_hallway_leads_to_services_that_exist():
    upstreams = re.findall(r"\{\$[A-Z_]+_UPSTREAM:([a-z-]+):8000\}", CADDYFILE.read_text())
    assert upstreams == ROOMS


@pytest.mark.parametrize("room", ROOMS)
def test_a_dockerfile_has_nothing_to_complain_about(room):
    says_nothing(run("hadolint", dockerfile(room)))


def test_rooms_are_built_by_one_recipe():
    recipes = {
        dockerfile(room)
        .read_text()
        .split("\n", 1)[1]
        .replace(package(room), "PACKAGE")
        .replace(f"/{room}/", "/ROOM/")
        for room in ROOMS
    }
    assert len(recipes) == 1


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_starts_with_the_same_words_in_container_unit_and_local_stack(room, tmp_path):
    image = re.findall(r'"([^"]+)"', dockerfile(room).read_text().partition("CMD ")[2])
    unit = (INFRA / f"systemd/ava-{room}.service").read_text().replace("\\\n", " ")
    command = re.search(r"ExecStart=(.+)", unit).group(1).split()
    local = local_room(
        Environment(StackLayout(tmp_path, 8080), load_or_create(tmp_path / "secrets.json"), {}), room
    ).command
    starts = [where_apart(words) for words in (image, command, local)]
    assert starts[0] == starts[1] == starts[2]


def where_apart(command: list[str]) -> list[str]:
    """A start command without the interpreter's path and the address, the two things that may differ."""
    words = command[1:]
    for option in ("--host", "--port"):
        at = words.index(option)
        words = words[:at] + words[at + 2 :]
    return words


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^ ;\\]+)", lock.read_text()))


@pytest.mark.parametrize("room", ROOMS)
def test_a_rooms_lock_holds_what_it_needs_at_the_workshops_versions(room):
    lock = pins(ROOT / "services" / room / "requirements.lock")
    projects = [ROOT / "services" / room / "pyproject.toml", ROOT / "libs/common/pyproject.toml"]
    needed = {
        re.split(r"[\[<>=~ ;]", requirement)[0]
        for project in projects
        for requirement in tomllib.loads(project.read_text())["project"]["dependencies"]
    }
    assert needed - {"ava-common"} <= set(lock)
    workshop = pins(ROOT / "requirements.lock")
    assert {name: version for name, version in lock.items() if workshop.get(name) != version} == {}
    assert "pytest" not in lock


@pytest.mark.parametrize("room", ROOMS)
def test_a_rooms_lock_names_no_host_and_pins_every_file(room):
    text = (ROOT / "services" / room / "requirements.lock").read_text()
    assert "://" not in text
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", text.strip()))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd-analyze")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_a_unit_and_finds_it_well_confined(name, tmp_path):
    shutil.copytree(INFRA / "systemd", tmp_path, dirs_exist_ok=True)
    unit = tmp_path / f"ava-{name}.service"
    # Whether the program is installed is not what is asked here.
    unit.write_text(re.sub(r"ExecStart=(?:.|\\\n)+?(?=\n[A-Z])", "ExecStart=/bin/true", unit.read_text()))
    environment = {"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"}
    says_nothing(run("systemd-analyze", "verify", unit, env=environment))
    security = ("security", "--offline=true", "--threshold=20")
    done = run("systemd-analyze", *security, unit, env=environment)
    assert done.returncode == 0, done.stdout[-500:]
