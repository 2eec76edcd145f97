"""Prometheus, promtool and amtool out of Debian's packages, unpacked beside us: nothing of them is installed.

Decision 0135.
"""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from ava_local.expected_error import ExpectedError
from ava_local.repository import ROOT

FOLDER = ROOT / ".ava" / "prometheus"
PROGRAMS = {"prometheus": ("prometheus", "promtool"), "prometheus-alertmanager": ("amtool",)}
"""The programs that are used, by Debian's package."""

PINNED = {
    "prometheus_2.42.0+ds-5+deb12u1_amd64.deb": (
        "81d59a24fce84f7fbe97a45a4f2914b6a5881b5cd1db2a6a0e129e515e1a5f55"
    ),
    "prometheus-alertmanager_0.25.0-1+b4_amd64.deb": (
        "4fb9aed15cfe8e0c32408e643ab32a1e41ee87d2cc26f18aeba928b1b0b98ae7"
    ),
}
"""What these files must be. A newer one, not listed here, has only apt's check of Debian's signature."""


class PrometheusNotAvailable(ExpectedError):
    """Prometheus cannot be fetched here: it needs apt-get, Debian's package lists and dpkg-deb."""


def find(program: str) -> Path | None:
    """The unpacked program, or the one that is installed."""
    unpacked = FOLDER / "usr" / "bin" / program
    if unpacked.exists():
        return unpacked
    installed = shutil.which(program)
    return Path(installed) if installed else None


def are_available() -> bool:
    return all(find(program) for programs in PROGRAMS.values() for program in programs)


def install() -> None:
    """Fetch and unpack what is missing; safe to run twice at once. Raises PrometheusNotAvailable."""
    if are_available():
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise PrometheusNotAvailable(PrometheusNotAvailable.__doc__)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for package, programs in PROGRAMS.items():
            if not all(find(program) for program in programs):
                _unpack(_fetch(package))


def _fetch(package: str) -> Path:
    fetch = ["apt-get", "download", "-q", package]
    for command in (fetch, ["apt-get", "update", "-q"], fetch):
        done = subprocess.run(
            command, cwd=FOLDER, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if command is fetch and done.returncode == 0:
            return max(FOLDER.glob(f"{package}_*.deb"), key=lambda file: file.stat().st_mtime)
    raise PrometheusNotAvailable(f"apt-get cannot download {package}: {done.stderr.strip()[-500:]}")


def check(file: Path) -> None:
    """Delete a file that should be a pinned one and is not. Raises PrometheusNotAvailable."""
    pinned = PINNED.get(file.name.replace("%2b", "+"))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if pinned not in (None, digest):
        file.unlink()
        raise PrometheusNotAvailable(f"{file.name} is not the file that it was: its SHA-256 is {digest}.")


def _unpack(file: Path) -> None:
    check(file)
    staging = FOLDER / "arriving"
    shutil.rmtree(staging, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", file, staging], check=True)
    (FOLDER / "usr" / "bin").mkdir(parents=True, exist_ok=True)
    for program in (staging / "usr" / "bin").iterdir():
        program.replace(FOLDER / "usr" / "bin" / program.name)
    shutil.rmtree(staging)
    file.unlink()
