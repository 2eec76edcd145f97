"""Terminal output: tables and colours on a terminal, plain lines elsewhere, JSON for programs."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ava_local.stack.layout import StackLayout
from ava_local.stack.status_file import StackStatus

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")
STATE_COLOURS = {
    "ready": "green",
    "done": "green",
    "disabled": "yellow",
    "starting": "yellow",
    "degraded": "yellow",
    "not ready": "red",
    "waiting": "dim",
}


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_line(value: Any) -> None:
    """One JSON object on one line of standard output, at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


ADDRESSES = (("phone", "whatsapp-simulator", ""), ("mails", "supabase-auth", "/outbox"))


def addresses(layout: StackLayout, running: StackStatus | None) -> dict[str, str]:
    """The addresses of a running stack: only of what runs."""
    runs = {row.name for row in running.processes} if running else set()
    stand_ins = {name: layout.url_of(process) + path for name, process, path in ADDRESSES if process in runs}
    return {"form": layout.public_url, **stand_ins, "logs": str(layout.logs_dir)}


def show_addresses(layout: StackLayout, running: StackStatus | None, stop: str) -> None:
    """A short table: where everything is, and how to stop it."""
    stdout.print("\n[bold green]Ava is running.[/bold green]")
    for name, value in {**addresses(layout, running), "stop": stop}.items():
        stdout.print(Text.assemble("  ", (f"{name:<5}", "bold"), "   ", value))
    stdout.print()


def show_processes(status: StackStatus) -> None:
    """A table of all processes with their state, and below it what is waited for or degraded."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in ("process", "state", "port", "pid", "restarts"):
        table.add_column(column)
    for row in status.processes:
        colour = STATE_COLOURS.get(row.state, "red")
        table.add_row(
            row.name,
            f"[{colour}]{row.state}[/{colour}]",
            str(row.port or ""),
            str(row.pid or ""),
            str(row.restarts),
        )
    stdout.print(table)
    for row in status.processes:
        if row.words:
            stdout.print(f"{row.name} is {row.state}: {row.words}", markup=False)


def process_colour(name: str) -> str:
    """The same process always has the same colour."""
    return COLOURS[sum(name.encode()) % len(COLOURS)]
