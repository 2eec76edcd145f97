"""What the tests can prove more with, fetched from Debian where that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ava_local.devtools import chromium
from ava_local.postgres.server_binaries import installed_binaries

# Debian's package would otherwise start a server of its own on this machine.
CREATECLUSTER_CONF = Path("/etc/postgresql-common/createcluster.conf")


@dataclass(frozen=True)
class OptionalPackage:
    """Something the tests use if it is there: what is lost without it, and how to see and get it."""

    covers: str
    packages: tuple[str, ...]
    is_installed: Callable[[], bool]


OPTIONAL_PACKAGES = (
    OptionalPackage(
        "the journey in a browser: THE BROWSER PART DID NOT RUN",
        ("chromium", "fonts-dejavu-core"),
        lambda: chromium.find_chromium() is not None,
    ),
    OptionalPackage(
        "that the migrations apply on PostgreSQL 15",
        ("postgresql-15",),
        lambda: installed_binaries(15) is not None,
    ),
    OptionalPackage(
        "that the Supabase CLI and JavaScript client accept us (Node.js)",
        ("nodejs", "npm"),
        lambda: bool(shutil.which("node") and shutil.which("npm")),
    ),
)


def may_install() -> bool:
    """Only root, and only where apt is."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_missing() -> list[str]:
    """Fetch what is missing; return a sentence for everything that still is."""
    for optional in OPTIONAL_PACKAGES:
        if not optional.is_installed() and may_install():
            apt_install(optional.packages)
    return [
        f"NOT PROVEN: {extra.covers}. Install it (Debian: apt-get install {' '.join(extra.packages)})."
        for extra in OPTIONAL_PACKAGES
        if not extra.is_installed()
    ]


def apt_install(packages: tuple[str, ...]) -> None:
    """As far as it goes: whoever asked looks again whether it is there."""
    if packages == ("postgresql-15",) and not CREATECLUSTER_CONF.parent.exists():
        CREATECLUSTER_CONF.parent.mkdir(parents=True)
        CREATECLUSTER_CONF.write_text("create_main_cluster = false\n", encoding="utf-8")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    fetch = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
    fetch += ["-o", "Dpkg::Options::=--force-confold", *packages]
    for command in (fetch, ["apt-get", "update", "-q"], fetch):
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if command is fetch and done.returncode == 0:
            return
