"""The packages of the services' lock files, fetched once for all images and cached."""

import re
import subprocess
import sys

from ava_local.repository import ROOT
from deploy.roots import CACHE, alone

FOLDER = CACHE / "wheels"
PIP_CONF = "[global]\nno-index = true\nfind-links = /wheels\n"
"""For a box that has the folder as /wheels."""


def fetch() -> None:
    """Fill the folder. It is complete when the file `lock` in it is the union of the lock files."""
    locks = [lock.read_text() for lock in sorted(ROOT.glob("services/*/requirements.lock"))]
    entries = sorted({entry for lock in locks for entry in re.split(r"\n(?=\S)", lock.strip())})
    wanted, done = "\n".join(entries) + "\n", FOLDER / "lock"
    with alone("wheels"):
        if done.exists() and done.read_text() == wanted:
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        arriving = FOLDER / "lock.arriving"
        arriving.write_text(wanted)
        pip = [
            str(ROOT / ".ava/tools/bin/python"),
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--require-hashes",
        ]
        subprocess.run([*pip, "-d", str(FOLDER), "-r", str(arriving)], check=True, stdout=sys.stderr)
        arriving.rename(done)
