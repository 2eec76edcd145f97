"""Lock files without hosts: every package pinned by hash, for the workshop and for each room."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ava_local.places import ROOT

UV = ROOT / ".ava" / "tools" / "bin" / "uv"
HOST_FREE = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--system-certs", "--quiet")
COMMON = "libs/common/pyproject.toml"


def commands(upgrade: bool) -> Iterator[tuple[str, list[str]]]:
    """Which file, and what makes it. Pins stay unless `upgrade`; the rooms follow the workshop."""
    rooms = projects_in("services")
    local = ["infra/local/pyproject.toml", *projects_in("infra/standins")]
    sources = ["pyproject.toml", COMMON, *rooms, *local]
    renew = ["--upgrade"] if upgrade else []
    yield "requirements.lock", [*sources, "--group", "dev", *renew]
    for room in rooms:
        yield str(Path(room).with_name("requirements.lock")), [COMMON, room, "-c", "requirements.lock"]


def projects_in(folder: str) -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for file in ROOT.glob(f"{folder}/*/pyproject.toml"))


def refresh(target: str, sources: list[str]) -> str | None:
    """Write one lock file; answers what went wrong, or None."""
    making = [str(UV), "pip", "compile", *HOST_FREE, "--python", sys.executable]
    done = subprocess.run(
        [*making, "--no-emit-package", "ava-common", *sources, "-o", target],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip() if done.returncode else None
