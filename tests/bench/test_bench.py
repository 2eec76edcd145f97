"""`./ava bench` runs by itself, reports every row and leaves nothing behind; speed is not tested."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ava_local.repository import ROOT
from bench import pywa_environment

pytestmark = [
    pytest.mark.timeout(1260),  # the first test waits for the report
    pytest.mark.usefixtures("processes"),
]
WEBHOOK = [
    "bare ASGI (limit)",
    "ours",
    "ours, splitting in the same process",
    "FastAPI + pydantic + one INSERT",
]
NEWEST = [
    "pgbench, the same transaction (limit)",
    "asyncpg alone, without HTTP",
    "ours, 6,000 messages",
    "ours, 3,000 messages",
    "FastAPI + dicts + reset + claims one by one",
]


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Not below pytest's own folder: any other run on this machine closes that to other users."""
    folder = Path(tempfile.mkdtemp(prefix="ava-bench-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def report(scratch: Path) -> dict[str, Any]:
    tiny = ["--rounds", "1", "--seconds", "0.1", "--messages", "6000", "--echoes", "6", "--users", "3"]
    done = subprocess.run(
        [str(ROOT / "ava"), "bench", "--json", *tiny],
        env={**os.environ, "TMPDIR": str(scratch)}, capture_output=True, text=True, check=False, timeout=1200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_way_to_accept_a_webhook_is_reported(report: dict[str, Any]) -> None:
    rivals = ["pywa (persists nothing)"] if pywa_environment.PYTHON.exists() else []
    assert [row["name"] for row in report["webhook"]] == WEBHOOK + rivals


def test_every_way_to_read_a_page_is_reported(report: dict[str, Any]) -> None:
    assert [row["name"] for row in report["newest"]] == NEWEST


def test_a_ratio_is_to_the_limit_of_the_same_run(report: dict[str, Any]) -> None:
    for rows in (report["webhook"], report["newest"]):
        assert rows[0]["ratio"] == 1.0
        assert all(row["ratio"] > 0 and row["per_second"] > 0 for row in rows)


def test_the_stack_echoed_every_message(report: dict[str, Any]) -> None:
    assert report["echo"]["messages"] == 6
    assert report["echo"]["users"] == 3
    assert report["echo"]["per_second"] > 0
    assert report["echo"]["idle_ms"] > 0


def test_nothing_is_left_behind(report: dict[str, Any], scratch: Path) -> None:
    assert list(scratch.glob("ava-bench-*")) == []
    left = [one.info for one in psutil.process_iter(["cmdline"]) if _is_of(scratch, one.info["cmdline"])]
    assert left == []


def _is_of(folder: Path, words: list[str] | None) -> bool:
    return any(str(folder) in word for word in words or ())


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    done = subprocess.run(
        [str(ROOT / "ava"), "bench", "nonsense"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert "webhook" in done.stderr
