"""The deployment files are valid, the same for every service, and open no more ports than necessary."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ava_local.stack.definition import service as local_service
from ava_local.stack.environment import SERVICES, Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
CADDYFILE = INFRA / "caddy/Caddyfile"
COMPOSE_FILE = INFRA / "docker-compose.yml"
COMPOSE_SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
UNITS = ["caddy", *SERVICES]


def package(service: str) -> str:
    return "ava_" + service.replace("-", "_")


def dockerfile(service: str) -> Path:
    return ROOT / "services" / service / "Dockerfile"


def test_compose_runs_caddy_and_the_four_services() -> None:
    assert list(COMPOSE_SERVICES) == UNITS


def test_only_the_edge_proxy_is_reachable_from_outside() -> None:
    assert {name for name, container in COMPOSE_SERVICES.items() if "ports" in container} == {"caddy"}
    assert not [
        name
        for name, container in COMPOSE_SERVICES.items()
        if container.get("network_mode") or container.get("privileged")
    ]


@pytest.mark.parametrize("name", UNITS)
def test_every_container_is_monitored_confined_and_restarted(name: str) -> None:
    container = COMPOSE_SERVICES[name]
    assert container["healthcheck"]["test"][0] == "CMD"
    assert container["restart"] == "unless-stopped"
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "stop_grace_period", "logging"} <= set(container)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_an_image_and_an_environment_of_its_own(service: str) -> None:
    container = COMPOSE_SERVICES[service]
    assert container["image"].startswith(f"ava-{service}:")
    assert (INFRA / container["build"]["context"] / container["build"]["dockerfile"]).resolve() == dockerfile(
        service
    )
    assert [file["path"] for file in container["env_file"]] == [f"../services/{service}/.env"]
    assert "depends_on" not in container, "each service is deployed alone"


def test_every_file_compose_mounts_exists() -> None:
    mounts = [
        volume.split(":")[0]
        for container in COMPOSE_SERVICES.values()
        for volume in container.get("volumes", [])
    ]
    folders = [mount for mount in mounts if mount.startswith(".")]
    assert folders == ["./caddy"]
    assert (INFRA / "caddy/Caddyfile").is_file()


def test_the_edge_proxy_leads_to_services_that_exist() -> None:
    upstreams = re.findall(r"\{\$[A-Z_]+_UPSTREAM:([a-z-]+):8000\}", CADDYFILE.read_text())
    assert upstreams == list(SERVICES)


STACK: dict[str, dict[str, Any]] = yaml.safe_load((INFRA / "docker-stack.yml").read_text())["services"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_stack_starts_a_new_copy_first_and_judges_it_by_its_life_alone(service: str) -> None:
    container = STACK[service]
    assert container["image"].endswith(COMPOSE_SERVICES[service]["image"])
    assert container["healthcheck"]["test"][-1].count("/healthz") == 1, "an outage outside must not end it"
    assert container["deploy"]["update_config"]["order"] == "start-first"
    assert container["deploy"]["update_config"]["failure_action"] == "rollback"
    assert container["deploy"]["endpoint_mode"] == "dnsrr"
    assert container["deploy"]["resources"]["limits"]["memory"] == "256M"
    assert [secret["source"] for secret in container["secrets"]] == [service]
    # A name in front of several copies; in a composition it may be moved to another machine.
    own = {name: re.sub(r"\$\{[A-Z_]+:-(.*)\}", r"\1", url) for name, url in environment_of(service).items()}
    assert container["environment"] == own


def environment_of(service: str) -> dict[str, str]:
    found: dict[str, str] = COMPOSE_SERVICES[service]["environment"]
    return found


def test_a_stack_has_the_same_services_and_only_the_edge_proxy_has_ports() -> None:
    assert list(STACK) == list(COMPOSE_SERVICES)
    assert {name for name, container in STACK.items() if "ports" in container} == {"caddy"}
    assert {port["mode"] for port in STACK["caddy"]["ports"]} == {"host"}


def test_the_sample_pipeline_calls_the_one_command_and_says_who_may_run_at_a_time() -> None:
    pipeline = yaml.safe_load((INFRA / "pipeline.example.yml").read_text())
    steps = [step for job in pipeline["jobs"].values() for step in job["steps"]]
    scripts = "".join(step.get("run", "") for step in steps)
    assert scripts.count("infra/deploy") == 1
    assert not re.search(r"docker|systemctl|psql|supabase", scripts)
    assert pipeline["concurrency"] == {"group": "deploy", "cancel-in-progress": False}


def test_services_are_built_by_one_recipe() -> None:
    recipes = {
        dockerfile(service)
        .read_text()
        .split("\n", 1)[1]
        .replace(package(service), "PACKAGE")
        .replace(f"/{service}/", "/SERVICE/")
        for service in SERVICES
    }
    assert len(recipes) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_the_same_command_in_container_unit_and_local_stack(
    service: str, tmp_path: Path
) -> None:
    image = re.findall(r'"([^"]+)"', dockerfile(service).read_text().partition("CMD ")[2])
    unit = (INFRA / f"systemd/ava-{service}@.service").read_text().replace("\\\n", " ")
    [start] = re.findall(r"ExecStart=(.+)", unit)
    local = local_service(
        Environment(StackLayout(tmp_path, 8080), load_or_create(tmp_path / "secrets.json"), {}), service
    ).command
    starts = [without_address(words) for words in (image, start.split(), local)]
    assert starts[0] == starts[1] == starts[2]


def without_address(command: Sequence[str]) -> list[str]:
    """A start command without the interpreter's path and the address, which may differ."""
    words = list(command[1:])
    for option in ("--host", "--port"):
        at = words.index(option)
        words = words[:at] + words[at + 2 :]
    return words


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^ ;\\]+)", lock.read_text()))


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_lock_has_what_it_needs_at_the_tested_versions(service: str) -> None:
    lock = pins(ROOT / "services" / service / "requirements.lock")
    projects = [ROOT / "services" / service / "pyproject.toml", ROOT / "libs/common/pyproject.toml"]
    needed = {
        re.split(r"[\[<>=~ ;]", requirement)[0]
        for project in projects
        for requirement in tomllib.loads(project.read_text())["project"]["dependencies"]
    }
    assert needed - {"ava-common"} <= set(lock)
    tested = pins(ROOT / "requirements.lock")
    assert {name: version for name, version in lock.items() if tested.get(name) != version} == {}
    assert "pytest" not in lock


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_lock_names_no_host_and_pins_every_file(service: str) -> None:
    text = (ROOT / "services" / service / "requirements.lock").read_text()
    assert "://" not in text
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", text.strip()))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd-analyze")
@pytest.mark.parametrize("name", UNITS)
@pytest.mark.usefixtures("processes")
def test_systemd_accepts_a_unit_and_finds_it_well_confined(name: str, tmp_path: Path) -> None:
    shutil.copytree(INFRA / "systemd", tmp_path, dirs_exist_ok=True)
    text = unit_file(name).read_text()
    unit = tmp_path / unit_file(name).name.replace("@", "@1")
    # Whether the program is installed is not checked here.
    unit.write_text(re.sub(r"(?m)^(Exec[A-Za-z]+)=(?:.|\\\n)+?(?=\n[A-Z#])", r"\1=/bin/true", text))
    environment = {"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"}
    verified = systemd_analyze(environment, "verify", unit)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    confined = systemd_analyze(environment, "security", "--offline=true", "--threshold=20", unit)
    assert confined.returncode == 0, confined.stdout[-500:]


def unit_file(name: str) -> Path:
    return INFRA / "systemd" / (f"ava-{name}.service" if name == "caddy" else f"ava-{name}@.service")


def confinement(name: str) -> set[str]:
    """What a unit says of what its process may do, without what differs by nature."""
    own = re.compile(
        r"Environment|Exec|Description|(Working|State|Runtime)Directory|SocketBind|.*Capab|LimitNO"
    )
    differs = re.compile(r"Type|Timeout|WantedBy|RestartPrevent|    --")
    lines = unit_file(name).read_text().splitlines()
    return {
        line for line in lines if not own.match(line) and not differs.match(line) and line[:1] not in "#["
    }


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_is_confined_alike_and_brings_it_along(name: str) -> None:
    """No unit shares a file with another one, so that deploying a service changes none but its own."""
    assert confinement(name) == confinement("auth")
    assert {"MemoryMax=256M", "Restart=always", "StartLimitBurst=5"} <= confinement(name)
    assert name == "caddy" or "RestartPreventExitStatus=3 78\n" in unit_file(name).read_text()


def systemd_analyze(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
