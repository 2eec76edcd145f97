"""./ava doctor and ./ava secrets: check everything that the stack is told, and write a VPS's env files."""

import asyncio
import sys
from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from ava_local.cli import console
from ava_local.cli.console import stdout
from ava_local.cli.lifecycle import AsJson
from ava_local.expected_error import ExpectedError
from ava_local.stack.control import Stack
from ava_local.stack.environment import SERVICES, Environment, user_variables
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.supervisor.process_spec import inherited_environment

MARKS = {"ok": "[green]✓[/green]", "note": "[yellow]~[/yellow]", "refused": "[red]✗[/red]"}


def doctor(
    json: AsJson = False,
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Also make two accounts, prove that neither sees the other's rows, delete both."
        ),
    ] = False,
) -> None:
    """Check every variable, the database, Supabase, Meta and the services; exits with 1 if any is refused."""
    found = stack_check() | run_checks()
    if write:
        found["two accounts"] = prove_isolation()
    if json:
        console.print_json(found)
    else:
        for service, checks in found.items():
            show(service, checks)
    raise typer.Exit(int(any(check["result"] == "refused" for checks in found.values() for check in checks)))


def stack_check() -> dict[str, list[dict[str, str]]]:
    """A note if nothing runs, because what the stack runs itself cannot answer then."""
    if Stack().status():
        return {}
    words = "is not running: what it runs itself does not answer below. Start it with ./ava up"
    return {"stack": [{"name": "stack", "result": "note", "detail": words}]}


def prove_isolation() -> list[dict[str, str]]:
    """What becomes of two accounts at the configured project, through the running stack."""
    # Imported here, so that the supervisor does not load an HTTP client.
    from ava_local.demo.isolation_proof import IsolationProof

    stack = Stack()
    if stack.status() is None:
        return [{"name": "--write", "result": "refused", "detail": "needs the stack: start it with ./ava up"}]
    variables = Environment(stack.layout, stack.secrets, user_variables()).service("auth")
    keys = (variables["SUPABASE_PUBLISHABLE_KEY"], variables["SUPABASE_SECRET_KEY"])
    return list(IsolationProof(stack.public_url, variables["SUPABASE_URL"], *keys).run())


def run_checks() -> dict[str, list[dict[str, str]]]:
    """What each service's own `check` finds with the variables that `./ava up` would give it."""
    layout = StackLayout.from_environment()
    layout.create_folders()
    try:
        environment = Environment(layout, load_or_create(layout.state_dir / "secrets.json"), user_variables())
    except ExpectedError as error:
        return {"variables": [{"name": "variables", "result": "refused", "detail": str(error)}]}
    return asyncio.run(all_checks(environment))


async def all_checks(environment: Environment) -> dict[str, list[dict[str, str]]]:
    found = await asyncio.gather(*(checks_of(environment, service) for service in SERVICES))
    return dict(zip(SERVICES, found, strict=True))


async def checks_of(environment: Environment, service: str) -> list[dict[str, str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"ava_{service.replace('-', '_')}", "check", "--json"),
        env={**inherited_environment(), **environment.service(service)},
        cwd=environment.layout.env_dir,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    try:
        found: list[dict[str, str]] = loads(output)
    except ValueError:
        words = errors.decode(errors="replace").strip().splitlines()[-1:] or [
            f"exit code {process.returncode}"
        ]
        return [{"name": "check", "result": "refused", "detail": f"did not finish: {words[0]}"}]
    return found


def show(service: str, checks: list[dict[str, Any]]) -> None:
    stdout.print(f"[bold]{service}[/bold]")
    for check in checks:
        stdout.print(f"  {MARKS[check['result']]} ", end="")
        stdout.print(f"{check['name']}{': ' if check['detail'] else ''}{check['detail']}", markup=False)


def secrets(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write the files to.")],
) -> None:
    """Write the four .env files for a VPS, with everything that can be generated; prints no secret."""
    # Imported here, so that the supervisor does not load what makes keys.
    from ava_local.stack import production_secrets

    blanks = production_secrets.write(folder)
    for name, left in blanks.items():
        stdout.print(f"[green]✓[/green] {folder / name}")
        for variable in left:
            stdout.print(f"    fill in {variable}", markup=False)
    stdout.print(f"[green]✓[/green] {folder / production_secrets.SQL_FILE}: run it once as the administrator")
