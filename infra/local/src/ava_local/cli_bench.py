"""The command that measures; what it measures stands in tests/bench."""

import os
import subprocess
import sys

import typer

from ava_local.places import ROOT


def bench(context: typer.Context) -> None:
    """Compare speed with the limit and with what people would use instead (--help tells more)."""
    ended = subprocess.run(
        [sys.executable, "-m", "bench", *context.args],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        check=False,
    )
    raise typer.Exit(ended.returncode)
