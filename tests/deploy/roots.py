"""Debian roots of the boxes: made by mmdebstrap from Debian's packages, cached under `.ava/deploy`."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ava_local.repository import ROOT

CACHE = ROOT / ".ava" / "deploy"
UNREAD = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
"""What of its packages no machine of a test needs."""


@dataclass(frozen=True)
class Recipe:
    """A root: Debian's release and the packages beside a minimal system."""

    name: str
    release: str
    packages: tuple[str, ...]

    @property
    def path(self) -> Path:
        digest = hashlib.sha256(repr((self, UNREAD)).encode()).hexdigest()[:8]
        return CACHE / f"{self.name}-{digest}"


ENGINE = Recipe(
    "engine",
    "trixie",
    (
        *("docker.io", "docker-cli", "docker-buildx", "docker-compose", "iptables"),
        *("ca-certificates", "iproute2"),
    ),
)
"""What runs a container engine."""

EMPTY = Recipe(
    "empty",
    "bookworm",
    ("systemd", "systemd-sysv", "dbus", "iproute2", "openssh-server", "curl"),
)
"""What runs systemd, and has nothing that a service needs; curl is the tests' own."""

PYTHON = Recipe(
    "python",
    "bookworm",
    ("python3", "python3-venv", "python3-pip", "python-is-python3", "ca-certificates"),
)
"""The base image in place of the one that the Dockerfiles name."""


def build(*recipes: Recipe) -> None:
    """Make those that are not cached, side by side."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(_build, recipes))


def _build(recipe: Recipe) -> None:
    with alone(recipe.name):
        if not recipe.path.exists():
            _make(recipe)


def _make(recipe: Recipe) -> None:
    """Under another name until it is complete, so that a kill leaves nothing half done."""
    arriving = recipe.path.with_suffix(".arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    command = ["mmdebstrap", "--variant=minbase", "--format=directory", "--dpkgopt=force-unsafe-io"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in UNREAD]
    command += [f"--include={','.join(recipe.packages)}", recipe.release, str(arriving)]
    environment = os.environ | {"TMPDIR": str(CACHE)}
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"mmdebstrap could not make {recipe.name}:\n{made.stderr[-2000:]}")
    for former in set(CACHE.glob(f"{recipe.name}-*")) - {arriving}:
        shutil.rmtree(former)
    arriving.rename(recipe.path)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """While no other test run makes this part of what is cached."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
