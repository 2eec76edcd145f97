"""Commands for the people who build the house: check, test, lock."""

import typer


def check() -> None:
    """Lint, types, import walls, shell, Caddyfile, Dockerfiles, compose, migrations."""


def test(context: typer.Context) -> None:
    """Run every test; further arguments go to pytest."""


def lock() -> None:
    """Refresh the hash-pinned lock files from the pyproject files."""
