"""Optional programs the tests use (Chromium, PostgreSQL 15, Node.js, Prometheus): find or install them."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ava_local.devtools import chromium, prometheus_programs
from ava_local.expected_error import ExpectedError
from ava_local.postgres.server_binaries import installed_binaries

# Without this file Debian's package would start a PostgreSQL server on this machine.
CREATECLUSTER_CONF = Path("/etc/postgresql-common/createcluster.conf")


@dataclass(frozen=True)
class OptionalPackage:
    """Something the tests use if it is installed: what it covers, its packages, and how to find it."""

    covers: str
    packages: tuple[str, ...]
    is_installed: Callable[[], bool]
    install: Callable[[], None] | None = None
    """Otherwise apt installs the packages."""


OPTIONAL_PACKAGES = (
    OptionalPackage(
        "the user journey in a browser (THE BROWSER TESTS DID NOT RUN)",
        ("chromium", "fonts-dejavu-core"),
        lambda: chromium.find_chromium() is not None,
    ),
    OptionalPackage(
        "the migrations on PostgreSQL 15",
        ("postgresql-15",),
        lambda: installed_binaries(15) is not None,
    ),
    OptionalPackage(
        "compatibility with the Supabase CLI and JavaScript client (Node.js)",
        ("nodejs", "npm"),
        lambda: bool(shutil.which("node") and shutil.which("npm")),
    ),
    OptionalPackage(
        "deployments on a container engine and on systemd",
        ("mmdebstrap", "slirp4netns", "openssh-client"),
        lambda: all(map(shutil.which, ("mmdebstrap", "slirp4netns", "ssh"))),
    ),
    OptionalPackage(
        "alert rules and dashboard (Prometheus)",
        ("prometheus", "prometheus-alertmanager"),
        prometheus_programs.are_available,
        prometheus_programs.install,
    ),
)


def may_install() -> bool:
    """Only as root, and only where apt exists."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_missing() -> list[str]:
    """Install what is missing; returns a sentence for everything that still is."""
    for optional in OPTIONAL_PACKAGES:
        if not optional.is_installed() and may_install():
            with contextlib.suppress(ExpectedError):
                optional.install() if optional.install else apt_install(optional.packages)
    return [
        f"NOT TESTED: {extra.covers}. Install it (Debian: apt-get install {' '.join(extra.packages)})."
        for extra in OPTIONAL_PACKAGES
        if not extra.is_installed()
    ]


def apt_install(packages: tuple[str, ...]) -> None:
    """Try to; the caller checks whether it worked."""
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
