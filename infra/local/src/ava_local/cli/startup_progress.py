"""What `./ava up` prints while it starts and runs: what is ready, waited for, degraded, warned of."""

import sys
import time

from ava_local.cli import console
from ava_local.cli.console import stderr, stdout
from ava_local.stack import status_file as statuses
from ava_local.stack.layout import StackLayout
from ava_local.supervisor.process_state import ProcessState

WARNING = "  warning: "


class StartupProgress:
    """Prints a line per process while starting, and what is waited for; then what changes; as JSON all."""

    def __init__(self, as_json: bool = False) -> None:
        self.began = time.monotonic()
        self.is_up, self.as_json = False, as_json

    def on_state_change(self, process: ProcessState) -> None:
        name, state = process.spec.name, process.state
        if self.as_json:
            seconds = round(time.monotonic() - self.began, 1)
            words = {"words": process.words} if process.words else {}
            return console.print_line({"process": name, "state": state, "seconds": seconds, **words})
        if state in ("ready", "done") and (not self.is_up or process.starts > 1):
            stdout.print(f"  [green]✓[/green] {name:<20} [dim]{time.monotonic() - self.began:.1f} s[/dim]")
        if state in ("restarting", "failed"):
            stdout.print(f"  [red]![/red] {name:<20} {state}; see {process.log}")
        if process.words and state in ("starting", "ready"):
            is_ready = state == "ready"
            stdout.print(f"  [yellow]{'~' if is_ready else '…'}[/yellow] {name:<20} ", end="")
            stdout.print(f"{'degraded' if is_ready else 'waits'}: {process.words}", markup=False)
        return None

    def on_warning(self, sentence: str) -> None:
        if self.as_json:
            return console.print_line({"warning": sentence})
        return stdout.print(f"{WARNING}{sentence}", markup=False)

    def on_ready(self, layout: StackLayout) -> None:
        self.is_up = True
        running = statuses.read_current(layout)
        if self.as_json:
            return console.print_line({"up": True, "ready": True, **console.addresses(layout, running)})
        return console.show_addresses(layout, running, "Ctrl-C" if sys.stdin.isatty() else "./ava down")


def tell_what_is_waited_for(found: statuses.StackStatus | None, told: set[tuple[str, str]]) -> None:
    """Print what a process says it waits for, or what is degraded, once."""
    for row in found.processes if found else ():
        if row.words and (row.name, row.words) not in told:
            told.add((row.name, row.words))
            verb = "is degraded" if row.is_ready else "waits"
            stderr.print(f"{row.name} {verb}: {row.words}", markup=False)


def tell_warnings(log: str) -> None:
    """Print what a supervisor in the background warned of while it started."""
    for line in log.splitlines():
        if line.startswith(WARNING):
            stderr.print(line.strip(), markup=False)
