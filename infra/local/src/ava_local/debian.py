"""What the tests can prove more with, fetched from Debian where that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ava_local import browser
from ava_local.lodging import binaries

# Debian's package would otherwise start a server of its own on this machine.
NO_SERVER = Path("/etc/postgresql-common/createcluster.conf")


@dataclass(frozen=True)
class Extra:
    """Something the tests use if it is there: what is lost without it, and how to see and get it."""

    proves: str
    packages: tuple[str, ...]
    is_there: Callable[[], bool]


EXTRAS = (
    Extra(
        "the journey in a browser: THE BROWSER PART DID NOT RUN",
        ("chromium", "fonts-dejavu-core"),
        lambda: browser.find() is not None,
    ),
    Extra("that the migrations apply on PostgreSQL 15", ("postgresql-15",), lambda: binaries(15) is not None),
    Extra(
        "that the Supabase CLI and JavaScript client accept us (Node.js)",
        ("nodejs", "npm"),
        lambda: bool(shutil.which("node") and shutil.which("npm")),
    ),
)


def may_install() -> bool:
    """Only root, and only where apt is."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def complete() -> list[str]:
    """Fetch what is missing; return a sentence for everything that still is."""
    for extra in EXTRAS:
        if not extra.is_there() and may_install():
            install(extra.packages)
    return [
        f"NOT PROVEN: {extra.proves}. Install it (Debian: apt-get install {' '.join(extra.packages)})."
        for extra in EXTRAS
        if not extra.is_there()
    ]


def install(packages: tuple[str, ...]) -> None:
    """As far as it goes: whoever asked looks again whether it is there."""
    if packages == ("postgresql-15",) and not NO_SERVER.parent.exists():
        NO_SERVER.parent.mkdir(parents=True)
        NO_SERVER.write_text("create_main_cluster = false\n", encoding="utf-8")
    surroundings = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    fetch = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
    fetch += ["-o", "Dpkg::Options::=--force-confold", *packages]
    for command in (fetch, ["apt-get", "update", "-q"], fetch):
        done = subprocess.run(
            command, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if command is fetch and done.returncode == 0:
            return
