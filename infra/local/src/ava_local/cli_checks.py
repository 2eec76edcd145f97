"""Commands for the people who build the house: check, test, lock."""

import os
from dataclasses import asdict
from typing import Annotated

import typer

from ava_local import browser, checks, debian, locks, paper, suite
from ava_local.cli_house import AsJson
from ava_local.paper import errors, out

Strict = Annotated[
    bool, typer.Option("--strict", help="Fail when the browser part cannot run (as with CI=true).")
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
    calls = suite.calls(context.args)
    needs_browser = any(suite.FOLDERS[-1] in call or suite.BROWSER in call for call in calls)
    chromium = find_chromium() if needs_browser else None
    lacking = complete_the_machine() if needs_browser else []
    codes = [suite.run(call, chromium) for call in calls]
    failed = any(code not in (0, suite.NOTHING_COLLECTED) for code in codes) or 0 not in codes
    if needs_browser and not chromium:
        errors.print(NO_BROWSER, style="bold red")
        failed = failed or is_strict
    for sentence in lacking:
        errors.print(sentence, style="bold red")
        failed = failed or is_strict
    raise typer.Exit(1 if failed else 0)


NO_BROWSER = """
THE BROWSER PART DID NOT RUN: there is no Chromium on this machine.
Install it (Debian: apt-get install chromium) or set AVA_CHROMIUM to its path."""


def find_chromium() -> str | None:
    found = browser.find()
    if not found and browser.may_install():
        with errors.status("Installing Debian's Chromium for the browser tests …"):
            found = browser.install()
    return found


def complete_the_machine() -> list[str]:
    with errors.status("Looking for what more the tests can use (PostgreSQL 15, Node.js) …"):
        return debian.complete()


def lock(upgrade: Upgrade = False) -> None:
    """Refresh the hash-pinned lock files from the pyproject files."""
    for target, sources in locks.commands(upgrade):
        trouble = locks.refresh(target, sources)
        out.print(f"  {'[red]✗[/red]' if trouble else '[green]✓[/green]'} {target}")
        if trouble:
            errors.print(trouble, markup=False)
            raise typer.Exit(1)
