"""Installs packages to compare with into an environment of their own: never among Ava's dependencies."""

import subprocess
import sys
from pathlib import Path

from ava_local.devtools.lock_files import UV
from ava_local.repository import ROOT

FOLDER = ROOT / ".ava" / "bench"
PYTHON = FOLDER / "bin" / "python"
LOCK = ROOT / "tests" / "bench" / "requirements.lock"


def install() -> str | None:
    """Pinned by hash; skipped when installed already. Returns what went wrong, or None."""
    wanted = ("--require-hashes", "-r", str(LOCK))
    steps: list[list[str | Path]] = [[UV, "pip", "install", "-q", "--python", PYTHON, *wanted]]
    if not PYTHON.exists():
        steps.insert(0, [UV, "venv", "-q", "--python", sys.executable, FOLDER])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            return str(done.stderr).strip()
    return None
