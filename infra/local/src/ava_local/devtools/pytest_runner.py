"""Runs pytest over all test folders."""

import os
import subprocess
import sys
from collections.abc import Sequence

from ava_local.repository import ROOT

TEST_FOLDERS = ("libs", "services", "infra/local", "infra/standins", "tests")


def paths_in(arguments: Sequence[str]) -> list[str]:
    """The paths among pytest's arguments."""
    return [one for one in arguments if not one.startswith("-") and (ROOT / one.split("::")[0]).exists()]


def with_folders(arguments: Sequence[str]) -> list[str]:
    """The same with the folder in place of a tier's name: `deploy` is `tests/deploy`."""
    tiers = {folder.name for folder in (ROOT / "tests").iterdir() if folder.is_dir()}
    return [f"tests/{one}" if one in tiers and not (ROOT / one).exists() else one for one in arguments]


def run_pytest(arguments: Sequence[str]) -> int:
    """pytest's exit code; its output goes to this terminal. Without a path, all folders are tested."""
    paths = [] if paths_in(arguments) else [folder for folder in TEST_FOLDERS if (ROOT / folder).exists()]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *paths, *arguments],
        cwd=ROOT,
        env={**os.environ, "PACT_DO_NOT_TRACK": "true"},
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode
