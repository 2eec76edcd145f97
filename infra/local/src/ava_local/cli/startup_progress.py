"""What `./ava up` prints while the stack starts and runs."""

import sys
import time

from ava_local.cli import console
from ava_local.cli.console import stdout
from ava_local.stack.layout import StackLayout
from ava_local.supervisor.process_state import ProcessState


class StartupProgress:
    """Prints a line per process while starting; afterwards only restarts and failures; as JSON all."""

    def __init__(self, as_json: bool = False) -> None:
        self.began = time.monotonic()
        self.is_up, self.as_json = False, as_json

    def on_state_change(self, process: ProcessState) -> None:
        name, state = process.spec.name, process.state
        if self.as_json:
            seconds = round(time.monotonic() - self.began, 1)
            return console.print_line({"process": name, "state": state, "seconds": seconds})
        if state in ("ready", "done") and (not self.is_up or process.starts > 1):
            stdout.print(f"  [green]✓[/green] {name:<20} [dim]{time.monotonic() - self.began:.1f} s[/dim]")
        if state in ("restarting", "failed"):
            stdout.print(f"  [red]![/red] {name:<20} {state}; see {process.log}")
        return None

    def on_ready(self, layout: StackLayout) -> None:
        self.is_up = True
        if self.as_json:
            return console.print_line({"up": True, "ready": True, **console.addresses(layout)})
        return console.show_addresses(layout, "Ctrl-C" if sys.stdin.isatty() else "./ava down")
