"""Finds the Chromium program for the browser tests."""

import os
import shutil

PROGRAM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path to it: AVA_CHROMIUM, else one of the usual program names."""
    chosen = os.environ.get("AVA_CHROMIUM")
    return chosen or next((path for name in PROGRAM_NAMES if (path := shutil.which(name))), None)
