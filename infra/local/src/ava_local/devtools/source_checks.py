"""The static checks of `./ava check`: lint, types, import contracts, shell, infrastructure, migrations."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ava_local.repository import ROOT

PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Check:
    """A program of the tool environment and its arguments, run from the root of the repository."""

    title: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class CheckResult:
    """The output of a check; `passed` if it exited with 0."""

    title: str
    passed: bool
    output: str


def all_checks() -> Iterator[Check]:
    """Every check whose files exist."""
    yield Check("lint (ruff)", ("ruff", "check", "."))
    yield Check("format (ruff)", ("ruff", "format", "--check", "."))
    yield Check("types (mypy --strict)", ("mypy",))
    yield Check("import contracts (import-linter)", ("lint-imports", "--no-cache"))
    yield from check_for_files("shell (shellcheck)", ("shellcheck",), shell_scripts())
    for caddyfile in files_matching("infra/caddy/Caddyfile"):
        reading = ("--adapter", "caddyfile", "--config", caddyfile)
        yield Check("Caddyfile (caddy validate)", ("caddy", "validate", *reading))
        yield Check("Caddyfile (caddy fmt)", ("caddy", "fmt", "--diff", caddyfile))
    yield from check_for_files(
        "Dockerfiles (hadolint)", ("hadolint",), files_matching("services/*/Dockerfile")
    )
    schema = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    yield from check_for_files("compose file (its schema)", schema, files_matching("infra/docker-*.yml"))
    yield from check_for_files(
        "migrations (squawk)", ("squawk",), files_matching("supabase/migrations/*.sql")
    )


def check_for_files(title: str, command: Sequence[str], files: Sequence[str]) -> Iterator[Check]:
    if files:
        yield Check(title, (*command, *files))


def files_matching(pattern: str) -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for file in ROOT.glob(pattern))


def shell_scripts() -> list[str]:
    """Shell scripts, whatever their names."""
    patterns = ("ava", ".ci/*", "infra/deploy", "infra/**/*.sh", "tests/**/*.sh")
    files = [name for pattern in patterns for name in files_matching(pattern) if (ROOT / name).is_file()]
    return [name for name in files if (ROOT / name).read_bytes().startswith((b"#!/bin/sh", b"#!/bin/bash"))]


def run_check(check: Check) -> CheckResult:
    """Run one check."""
    program, *arguments = check.command
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return CheckResult(check.title, done.returncode == 0, (done.stdout + done.stderr).strip())
