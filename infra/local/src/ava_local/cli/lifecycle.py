"""./ava up, down, status, logs and reset: start, stop and watch the stack, delete its data."""

import subprocess
import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer

from ava_local.cli import console
from ava_local.cli.console import stderr, stdout
from ava_local.cli.startup_progress import StartupProgress, tell_warnings, tell_what_is_waited_for
from ava_local.expected_error import ExpectedError
from ava_local.repository import ROOT
from ava_local.stack import live_status, runner
from ava_local.stack import status_file as statuses
from ava_local.stack.control import Stack, StackNotRunning
from ava_local.stack.earlier_release import EarlierReleaseRunning
from ava_local.stack.environment import SERVICES
from ava_local.stack.instance_lock import AlreadyRunning
from ava_local.stack.layout import StackLayout

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WATCHED = {name: (ROOT / "services" / name / "src", ROOT / "libs" / "common" / "src") for name in SERVICES}


def up(
    detach: Annotated[
        bool,
        typer.Option(
            "--detach", "-d", help="Run in the background; return when ready. Stop with ./ava down."
        ),
    ] = False,
    reload: Annotated[
        bool, typer.Option("--reload", help="Restart a service when its code or libs/common changes.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON: with -d one document, else one a line.")
    ] = False,
    while_stdin_open: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Set up anything missing, start everything and run until Ctrl-C."""
    layout = StackLayout.from_environment()
    if statuses.read_current(layout):
        return report_already_running(layout, json)
    if detach:
        return start_in_background(layout, json, ["--reload"] if reload else [])
    progress = StartupProgress(json)
    try:
        runner.run_stack(
            layout,
            progress.on_state_change,
            lambda: progress.on_ready(layout),
            progress.on_warning,
            while_stdin_open,
            watched=WATCHED if reload else {},
        )
    except AlreadyRunning:
        return report_already_running(layout, json)
    console.print_line({"stopped": True}) if json else stdout.print("Stopped. Your data is kept.")
    return None


class ProcessNotFound(ExpectedError):
    """The running stack has no process of this name."""

    def __init__(self, process: str, names: list[str]) -> None:
        super().__init__(f"no process {process!r}. Running: {', '.join(names)}")


def report_already_running(layout: StackLayout, as_json: bool = False) -> None:
    found = statuses.read_current(layout)
    if as_json:
        is_ready = found is not None and found.is_ready
        return console.print_json({"up": True, "ready": is_ready, **console.addresses(layout, found)})
    stdout.print("Ava is already running." if found else "Another ./ava up is already starting Ava.")
    if found:
        console.show_addresses(layout, found, "./ava down")
    return None


def start_in_background(layout: StackLayout, as_json: bool, options: list[str]) -> None:
    """Start a supervisor that outlives this terminal."""
    layout.create_folders()
    with (layout.state_dir / "supervisor.log").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "ava_local", "up", *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    told: set[tuple[str, str]] = set()
    with stderr.status("Starting …"):
        while not (found := statuses.read_current(layout)) or not found.is_ready:
            if supervisor.poll() is not None:
                output = (layout.state_dir / "supervisor.log").read_text(errors="replace")
                raise StackNotRunning(f"Ava did not start:\n{output.strip()}")
            tell_what_is_waited_for(found, told)
            time.sleep(0.1)
    tell_what_is_waited_for(found, told)
    tell_warnings((layout.state_dir / "supervisor.log").read_text(errors="replace"))
    if as_json:
        return console.print_json({"up": True, "ready": True, **console.addresses(layout, found)})
    return console.show_addresses(layout, found, "./ava down")


def down(json: AsJson = False) -> None:
    """Stop everything; your data is kept."""
    stack = stack_to_stop()
    was_running = stack.status() is not None
    if was_running:
        stack.stop()
    if json:
        console.print_json({"up": False, "stopped": was_running})
    else:
        stdout.print("Stopped. Your data is kept." if was_running else "Ava is not running.")


def restart(
    process: Annotated[str, typer.Argument(help="The process, as ./ava status names it.")],
    json: AsJson = False,
) -> None:
    """Restart one process; returns when it is ready again."""
    stack = Stack()
    found = stack.status()
    if found is None:
        raise StackNotRunning("Ava is not running. Start it with: ./ava up")
    names = [row.name for row in found.processes if row.state != "done"]
    if process not in names:
        raise ProcessNotFound(process, names)
    began = time.monotonic()
    stack.restart(process)
    seconds = round(time.monotonic() - began, 1)
    if json:
        console.print_json({"process": process, "ready": True, "seconds": seconds})
    else:
        stdout.print(f"  [green]✓[/green] {process:<20} [dim]{seconds} s[/dim]")


def stack_to_stop() -> Stack:
    """The stack, or the one an earlier release is still running."""
    try:
        return Stack()
    except EarlierReleaseRunning as running:
        return Stack(running.folder)


def status(json: AsJson = False) -> None:
    """Show what is running and where; exits with 1 unless everything is ready."""
    layout = StackLayout.from_environment()
    last = statuses.read_current(layout)
    found = live_status.ask(last) if last else None
    is_ready = found is not None and found.is_ready
    rows = [asdict(row) for row in found.processes] if found else []
    if json:
        console.print_json(
            {
                "up": found is not None,
                "ready": is_ready,
                **console.addresses(layout, found),
                "processes": rows,
            }
        )
    elif found:
        console.show_processes(found)
        console.show_addresses(layout, found, "./ava down") if is_ready else stdout.print(
            "Not everything is ready."
        )
    else:
        stdout.print("Ava is not running. Start it with: ./ava up")
    raise typer.Exit(0 if is_ready else 1)


def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    json: AsJson = False,
) -> None:
    """Stop Ava and delete all local data: accounts, messages, secrets, logs."""
    stack = stack_to_stop()
    if not yes and not typer.confirm(f"Delete everything in {stack.layout.state_dir}?"):
        raise typer.Exit(1)
    stack.stop()
    stack.delete_data()
    if json:
        console.print_json({"up": False, "deleted": str(stack.layout.state_dir)})
    else:
        stdout.print("All data deleted. Run ./ava up to start fresh.")
