"""Regenerates the lock files with uv: every package pinned by hash, no host named.

Decision 0001.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ava_local.repository import ROOT

UV = ROOT / ".ava" / "tools" / "bin" / "uv"
COMPILE_OPTIONS = (
    "--universal",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--system-certs",
    "--quiet",
)
COMMON = "libs/common/pyproject.toml"


def lock_commands(upgrade: bool) -> Iterator[tuple[str, list[str]]]:
    """Each lock file and its sources. Pins stay unless `upgrade`; services follow requirements.lock."""
    services = projects_in("services")
    local = ["infra/local/pyproject.toml", *projects_in("infra/standins")]
    sources = ["pyproject.toml", COMMON, *services, *local]
    renew = ["--upgrade"] if upgrade else []
    yield "requirements.lock", [*sources, "--group", "dev", *renew]
    for service in services:
        yield str(Path(service).with_name("requirements.lock")), [COMMON, service, "-c", "requirements.lock"]


def projects_in(folder: str) -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for file in ROOT.glob(f"{folder}/*/pyproject.toml"))


def compile_lock(target: str, sources: list[str]) -> str | None:
    """Write one lock file; returns an error message, or None."""
    command = [str(UV), "pip", "compile", *COMPILE_OPTIONS, "--python", sys.executable]
    done = subprocess.run(
        [*command, "--no-emit-package", "ava-common", *sources, "-o", target],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip() if done.returncode else None
