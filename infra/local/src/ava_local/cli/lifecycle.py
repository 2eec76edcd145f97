"""./ava up, down, status, logs and reset: start, stop and watch the stack, delete its data."""

import subprocess
import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer

from ava_local.cli import console, log_viewer
from ava_local.cli.console import stderr, stdout
from ava_local.cli.startup_progress import StartupProgress, tell_warnings, tell_what_is_waited_for
from ava_local.expected_error import ExpectedError
from ava_local.stack import live_status, runner
from ava_local.stack import status_file as statuses
from ava_local.stack.control import Stack, StackNotRunning
from ava_local.stack.earlier_release import EarlierReleaseRunning
from ava_local.stack.instance_lock import AlreadyRunning
from ava_local.stack.layout import StackLayout

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def up(
    detach: Annotated[
        bool,
        typer.Option(
            "--detach", "-d", help="Run in the background; return when ready. Stop with ./ava down."
        ),
    ] = False,
    while_stdin_open: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Set up anything missing, start everything and run until Ctrl-C."""
    layout = StackLayout.from_environment()
    if statuses.read_current(layout):
        return report_already_running(layout)
    if detach:
        return start_in_background(layout)
    progress = StartupProgress()
    try:
        runner.run_stack(
            layout,
            progress.on_state_change,
            lambda: progress.on_ready(layout),
            progress.on_warning,
            while_stdin_open,
        )
    except AlreadyRunning:
        return report_already_running(layout)
    stdout.print("Stopped. Your data is kept.")
    return None


class LogNotFound(ExpectedError):
    """The requested log does not exist."""

    def __init__(self, process: str | None, available: list[str]) -> None:
        known = f"Available logs: {', '.join(available)}" if available else "Start Ava with: ./ava up"
        super().__init__(f"no log for {process or 'any process'}. {known}")


def report_already_running(layout: StackLayout) -> None:
    found = statuses.read_current(layout)
    stdout.print("Ava is already running." if found else "Another ./ava up is already starting Ava.")
    if found:
        console.show_addresses(layout, found, "./ava down")


def start_in_background(layout: StackLayout) -> None:
    """Start a supervisor that outlives this terminal."""
    layout.create_folders()
    with (layout.state_dir / "supervisor.log").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "ava_local", "up"],
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
    console.show_addresses(layout, found, "./ava down")


def down() -> None:
    """Stop everything; your data is kept."""
    stack = stack_to_stop()
    if stack.status() is None:
        stdout.print("Ava is not running.")
        return
    stack.stop()
    stdout.print("Stopped. Your data is kept.")


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


def logs(
    process: Annotated[
        str | None, typer.Argument(help="Show only this process; all of them by default.")
    ] = None,
    keep_following: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new lines until Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Number of lines to show first.")] = 20,
) -> None:
    """Show the logs of all processes, or of one."""
    folder = StackLayout.from_environment().logs_dir
    files = [file for file in sorted(folder.glob("*.log")) if process in (None, file.stem)]
    if not files:
        raise LogNotFound(process, sorted(file.stem for file in folder.glob("*.log")))
    log_viewer.show_last_lines(files, lines)
    if keep_following:
        log_viewer.follow(files)


def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Stop Ava and delete all local data: accounts, messages, secrets, logs."""
    stack = stack_to_stop()
    if not yes and not typer.confirm(f"Delete everything in {stack.layout.state_dir}?"):
        raise typer.Exit(1)
    stack.stop()
    stack.delete_data()
    stdout.print("All data deleted. Run ./ava up to start fresh.")
