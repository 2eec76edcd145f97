"""Commands for the people who build the house: check, test, lock."""

import os
from dataclasses import asdict
from typing import Annotated

import typer

from ava_local import checks, debian, locks, paper, suite
from ava_local.cli_house import AsJson
from ava_local.paper import errors, out

Strict = Annotated[
    bool, typer.Option("--strict", help="Fail when a part cannot run, such as the browser (as with CI=true).")
]
Upgrade = Annotated[bool, typer.Option("--upgrade", help="Take the newest versions.")]


def check(json: AsJson = False) -> None:
    """Lint, types, import walls, shell, Caddyfile, Dockerfiles, compose file, migrations."""
    outcomes = []
    for one in checks.all_checks():
        outcome = checks.perform(one)
        outcomes.append(outcome)
        if not json:
            out.print(f"  {'[green]✓[/green]' if outcome.fine else '[red]✗[/red]'} {outcome.title}")
            out.print(outcome.output, markup=False) if not outcome.fine else None
    went_well = all(outcome.fine for outcome in outcomes)
    if json:
        paper.as_json({"ok": went_well, "checks": [asdict(outcome) for outcome in outcomes]})
    raise typer.Exit(0 if went_well else 1)


def run_tests(context: typer.Context, strict: Strict = False) -> None:
    """Run every test; further arguments go to pytest."""
    is_strict = strict or os.environ.get("CI", "").lower() in ("1", "true", "yes")
    lacking = [] if suite.chosen(context.args) else complete_the_machine()
    failed = suite.run(context.args) != 0
    for sentence in lacking:
        errors.print(sentence, style="bold red")
    raise typer.Exit(1 if failed or (lacking and is_strict) else 0)


def complete_the_machine() -> list[str]:
    with errors.status("Looking for what more the tests can use (Chromium, PostgreSQL 15, Node.js) …"):
        return debian.complete()


def lock(upgrade: Upgrade = False) -> None:
    """Refresh the hash-pinned lock files from the pyproject files."""
    for target, sources in locks.commands(upgrade):
        trouble = locks.refresh(target, sources)
        out.print(f"  {'[red]✗[/red]' if trouble else '[green]✓[/green]'} {target}")
        if trouble:
            errors.print(trouble, markup=False)
            raise typer.Exit(1)
