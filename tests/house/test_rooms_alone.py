"""Each room by itself: packages from its own lock, none of the other rooms, its own words at the start."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ava_local.environment import ROOMS
from ava_local.places import ROOT

pytestmark = pytest.mark.timeout(300)  # the first test of a room fetches its packages
UV = ROOT / ".ava" / "tools" / "bin" / "uv"
PACKAGES = {room: f"ava_{room.replace('-', '_')}" for room in ROOMS}

Install = Callable[[str], Path]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Install:
    """The python of an environment that holds one room and what its lock names."""
    made: dict[str, Path] = {}

    def install(room: str) -> Path:
        if room not in made:
            folder = tmp_path_factory.mktemp(room) / "venv"
            lock = ROOT / "services" / room / "requirements.lock"
            sources = [ROOT / "libs" / "common", ROOT / "services" / room]
            uv("venv", "--python", sys.executable, str(folder))
            python = folder / "bin" / "python"
            uv("pip", "sync", "--python", str(python), "--require-hashes", str(lock))
            uv("pip", "install", "--python", str(python), "--no-deps", *map(str, sources))
            made[room] = python
        return made[room]

    return install


def uv(*arguments: str) -> None:
    done = subprocess.run([UV, "--quiet", *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def run(python: Path, code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python code away from the repository, with no variables but these."""
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [python, "-c", code], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_installed_without_the_others(alone: Install, tmp_path: Path, room: str) -> None:
    others = [package for name, package in PACKAGES.items() if name != room] + ["ava_local"]
    code = f"""
import importlib.util, {PACKAGES[room]}.app
print([name for name in {others!r} if importlib.util.find_spec(name)])
"""
    done = run(alone(room), code, tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_without_settings_says_which_are_missing(alone: Install, tmp_path: Path, room: str) -> None:
    done = run(alone(room), f"import {PACKAGES[room]}.app as app; app.build()", tmp_path)
    prefix = room.upper().replace("-", "_")
    assert done.returncode != 0
    assert f"{prefix}_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_does_not_start_with_the_examples_placeholders(
    alone: Install, tmp_path: Path, room: str
) -> None:
    example = (ROOT / "services" / room / ".env.example").read_text()
    (tmp_path / ".env").write_text(example)
    done = run(alone(room), f"import {PACKAGES[room]}.app as app; app.build()", tmp_path)
    assert done.returncode != 0
    assert "placeholder" in done.stderr
    assert "Traceback" not in done.stderr
