"""Installs pywa, to compare with, into an environment of its own: never among Ava's dependencies."""

import subprocess
import sys

from ava_local.devtools.lock_files import UV
from ava_local.repository import ROOT

FOLDER = ROOT / ".ava" / "bench"
PYTHON = FOLDER / "bin" / "python"
LOCK = ROOT / "tests" / "bench" / "requirements.lock"


def install() -> None:
    """Pinned by hash; skipped if it is installed already. Raises subprocess.CalledProcessError."""
    if not PYTHON.exists():
        subprocess.run([UV, "venv", "-q", "--python", sys.executable, FOLDER], check=True)
    wanted = ("--require-hashes", "-r", str(LOCK))
    subprocess.run([UV, "pip", "install", "-q", "--python", PYTHON, *wanted], check=True)
