"""Find Chromium, or get Debian's where that is allowed."""

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-dejavu-core")


def find() -> str | None:
    """AVA_CHROMIUM first, then what the system calls it."""
    chosen = os.environ.get("AVA_CHROMIUM")
    return chosen or next((path for name in NAMES if (path := shutil.which(name))), None)


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> str | None:
    """Debian's package, about 130 MB; the path to it, or None when that did not work."""
    surroundings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    fetch = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES]
    for command in (fetch, ["apt-get", "update", "-q"], fetch):
        subprocess.run(command, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if path := find():
            return path
    return None
