"""`./ava chaos` and `./ava bench`: run the package of that name in tests/ with the same arguments."""

import os
import subprocess
import sys

import typer

from ava_local.repository import ROOT


def chaos(context: typer.Context) -> None:
    """Kill processes and inject faults while users send messages (see --help)."""
    run_package("chaos", context.args)


def bench(context: typer.Context) -> None:
    """Benchmark Ava against the theoretical limit and against alternatives (see --help)."""
    run_package("bench", context.args)


def run_package(name: str, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", name, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        check=False,
    )
    raise typer.Exit(done.returncode)
