"""Each service alone: installed from its own lock without the others, with its own error messages."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ava_local.repository import ROOT
from ava_local.stack.environment import SERVICES

pytestmark = pytest.mark.timeout(600)  # the first test of a service downloads its packages
UV = ROOT / ".ava" / "tools" / "bin" / "uv"
PACKAGES = {service: f"ava_{service.replace('-', '_')}" for service in SERVICES}

Install = Callable[[str], Path]


@pytest.fixture(scope="module")
def installed_alone(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """The Python of an environment with one service and the packages of its lock."""
    made: dict[str, Path] = {}

    def install(service: str) -> Path:
        if service not in made:
            folder = tmp_path_factory.mktemp(service) / "venv"
            lock = ROOT / "services" / service / "requirements.lock"
            sources = [ROOT / "libs" / "common", ROOT / "services" / service]
            uv("venv", "--python", sys.executable, str(folder))
            python = folder / "bin" / "python"
            uv("pip", "sync", "--python", str(python), "--require-hashes", str(lock))
            uv("pip", "install", "--python", str(python), "--no-deps", *map(str, sources))
            made[service] = python
        return made[service]

    return install


def uv(*arguments: str) -> None:
    done = subprocess.run([UV, "--quiet", *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def run(python: Path, code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python code outside the repository, with these variables only."""
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [python, "-c", code], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_installed_without_the_others(
    installed_alone: Install, tmp_path: Path, service: str
) -> None:
    others = [package for name, package in PACKAGES.items() if name != service]
    others += ["ava_local", "ava_supabase_standin", "ava_whatsapp_simulator"]
    code = f"""
import importlib.util, {PACKAGES[service]}.app
print([name for name in {others!r} if importlib.util.find_spec(name)])
"""
    done = run(installed_alone(service), code, tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_without_settings_says_which_are_missing(
    installed_alone: Install, tmp_path: Path, service: str
) -> None:
    done = run(installed_alone(service), f"import {PACKAGES[service]}.app as app; app.build()", tmp_path)
    prefix = service.upper().replace("-", "_")
    assert done.returncode != 0
    assert f"{prefix}_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_does_not_start_with_the_examples_placeholders(
    installed_alone: Install, tmp_path: Path, service: str
) -> None:
    example = (ROOT / "services" / service / ".env.example").read_text()
    (tmp_path / ".env").write_text(example)
    done = run(installed_alone(service), f"import {PACKAGES[service]}.app as app; app.build()", tmp_path)
    assert done.returncode != 0
    assert "placeholder" in done.stderr
    assert "Traceback" not in done.stderr
