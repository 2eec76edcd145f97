"""Runs pytest over all test folders."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from ava_local.repository import ROOT

TEST_FOLDERS = ("libs", "services", "infra/local", "infra/standins", "tests")
BESIDE = {"tests/deploy": "tests/deploy/test_compose_on_an_engine_with_a_debian_base_image.py"}
"""A folder that is tested alone in two processes, of which one has this file: its tests wait for hosts."""

NOTHING_CHOSEN = 5
"""pytest's exit code when options left no test."""


def paths_in(arguments: Sequence[str]) -> list[str]:
    """The paths among pytest's arguments."""
    return [one for one in arguments if not one.startswith("-") and (ROOT / one.split("::")[0]).exists()]


def with_folders(arguments: Sequence[str]) -> list[str]:
    """The same with the folder in place of a tier's name: `deploy` is `tests/deploy`."""
    tiers = {folder.name for folder in (ROOT / "tests").iterdir() if folder.is_dir()}
    return [f"tests/{one}" if one in tiers and not (ROOT / one).exists() else one for one in arguments]


def run_pytest(arguments: Sequence[str]) -> int:
    """pytest's exit code; its output goes to this terminal. Without a path, all folders are tested."""
    given = paths_in(arguments)
    if len(given) == 1 and (beside := BESIDE.get(given[0])):
        return run_beside_each_other(given[0], beside, [one for one in arguments if one != given[0]])
    paths = [] if given else [folder for folder in TEST_FOLDERS if (ROOT / folder).exists()]
    return start_pytest([*paths, *arguments]).wait()


def run_beside_each_other(folder: str, file: str, options: Sequence[str]) -> int:
    """A tier in two processes; what the second prints comes when the first has ended."""
    with tempfile.TemporaryFile() as printed:
        rest = [folder, f"--ignore={file}", "-o", "cache_dir=.ava/cache/pytest-beside"]
        second = start_pytest([*rest, *options], stdout=printed, stderr=subprocess.STDOUT)
        codes = {start_pytest([file, *options]).wait(), second.wait()}
        printed.seek(0)
        shutil.copyfileobj(printed, sys.stdout.buffer)
        sys.stdout.flush()
    return code_of_both(codes)


def code_of_both(codes: set[int]) -> int:
    """Both must pass; options may leave one of them without a test."""
    return max(codes - {NOTHING_CHOSEN}, default=NOTHING_CHOSEN)


def start_pytest(arguments: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=ROOT,
        env={**os.environ, "PACT_DO_NOT_TRACK": "true"},
        stdin=subprocess.DEVNULL,
        **streams,
    )
