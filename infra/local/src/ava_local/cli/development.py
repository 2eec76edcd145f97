"""./ava check, test and lock: the commands for developers."""

import os
from typing import Annotated

import typer

from ava_local.cli import console
from ava_local.cli.console import stderr, stdout
from ava_local.cli.lifecycle import AsJson
from ava_local.devtools import lock_files, optional_programs, pytest_runner, source_checks
from ava_local.devtools.source_checks import CheckResult

Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Fail if any part cannot run, such as the browser tests (implied by CI=true)."
    ),
]
Fast = Annotated[
    bool,
    typer.Option("--fast", help="Run only the tests without a database or a process, in under 30 s."),
]
Upgrade = Annotated[bool, typer.Option("--upgrade", help="Upgrade to the newest versions.")]


def check(json: AsJson = False) -> None:
    """Check lint, types, import contracts, shell scripts, Caddyfile, Dockerfiles, compose, migrations."""
    results = []
    for check_to_run in source_checks.all_checks():
        result = source_checks.run_check(check_to_run)
        results.append(result)
        if not json:
            stdout.print(f"  {'[green]✓[/green]' if result.passed else '[red]✗[/red]'} {result.title}")
            stdout.print(result.output, markup=False) if not result.passed else None
    all_passed = all(result.passed for result in results)
    if json:
        console.print_json({"ok": all_passed, "checks": [as_json(result) for result in results]})
    raise typer.Exit(0 if all_passed else 1)


def as_json(result: CheckResult) -> dict[str, object]:
    return {"title": result.title, "fine": result.passed, "output": result.output}


def run_tests(context: typer.Context, fast: Fast = False, strict: Strict = False) -> None:
    """Run all tests, or a tier such as deploy; extra arguments are passed to pytest."""
    is_strict = strict or os.environ.get("CI", "").lower() in ("1", "true", "yes")
    arguments = pytest_runner.with_folders(context.args)
    missing = [] if fast or pytest_runner.paths_in(arguments) else install_optional_packages()
    failed = pytest_runner.run_pytest([*(["--fast"] if fast else []), *arguments]) != 0
    for sentence in missing:
        stderr.print(sentence, style="bold red")
    raise typer.Exit(1 if failed or (missing and is_strict) else 0)


def install_optional_packages() -> list[str]:
    with stderr.status("Checking for optional test tools (Chromium, PostgreSQL 15, Node.js, Prometheus) …"):
        return optional_programs.install_missing()


def lock(upgrade: Upgrade = False) -> None:
    """Regenerate the hash-pinned lock files from the pyproject files."""
    for target, sources in lock_files.lock_commands(upgrade):
        error = lock_files.compile_lock(target, sources)
        stdout.print(f"  {'[red]✗[/red]' if error else '[green]✓[/green]'} {target}")
        if error:
            stderr.print(error, markup=False)
            raise typer.Exit(1)
