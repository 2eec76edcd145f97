"""All tests, as pytest runs them: one call for everything, one for what needs schemathesis's plugin."""

import os
import subprocess
import sys
from collections.abc import Sequence

from ava_local.places import ROOT

FOLDERS = ("libs", "services", "infra/local", "tests")
APART = "tests/schemas"
BROWSER = "tests/browser"
NOTHING_COLLECTED = 5


def calls(further: Sequence[str]) -> list[list[str]]:
    """Arguments of each pytest call; `further` may choose paths of its own."""
    chosen = [one for one in further if not one.startswith("-") and (ROOT / one.split("::")[0]).exists()]
    if chosen:
        return [["-q", *further]]
    folders = [folder for folder in FOLDERS if (ROOT / folder).exists()]
    everything = [["-q", *folders, f"--ignore={APART}", *further]]
    if (ROOT / APART).exists():
        # The plugin makes collecting twice as slow, so only its own tests load it.
        plain = "addopts=-p ava_local.testing --import-mode=importlib --strict-markers"
        everything.append(["-q", "-o", plain, APART, *further])
    return everything


def run(call: Sequence[str], chromium: str | None) -> int:
    """pytest's exit code; its output goes to this terminal."""
    variables = {**os.environ, "PACT_DO_NOT_TRACK": "true"}
    if chromium:
        variables["AVA_CHROMIUM"] = chromium
    command = [sys.executable, "-m", "pytest", *call]
    return subprocess.run(command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, check=False).returncode
