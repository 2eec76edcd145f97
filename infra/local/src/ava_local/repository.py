"""The root of the repository this package is installed from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
