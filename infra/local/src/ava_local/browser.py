"""Find Chromium."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path to it: AVA_CHROMIUM first, then what the system calls it."""
    chosen = os.environ.get("AVA_CHROMIUM")
    return chosen or next((path for name in NAMES if (path := shutil.which(name))), None)
