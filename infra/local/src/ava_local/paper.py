"""What the command writes on: colours on a terminal, plain lines elsewhere, JSON for programs."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from ava_local.places import Places
from ava_local.status import Status

out = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")
STATE_COLOURS = {"ready": "green", "done": "green", "held": "yellow", "starting": "yellow", "waiting": "dim"}


def as_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def addresses(places: Places) -> dict[str, str]:
    """What a person needs to know of a house that is up."""
    return {
        "form": places.form,
        "phone": places.url_of("whatsapp-simulator"),
        "mails": f"{places.url_of('supabase-auth')}/outbox",
        "logs": str(places.logs),
    }


def welcome(places: Places, stop: str) -> None:
    """The one short table."""
    table = Table.grid(padding=(0, 3))
    for name, value in {**addresses(places), "stop": stop}.items():
        table.add_row(f"  [bold]{name}[/bold]", value)
    out.print("\n[bold green]Ava is up.[/bold green]")
    out.print(table)
    out.print()


def processes(status: Status) -> None:
    """Every process with its state."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in ("process", "state", "port", "pid", "restarts"):
        table.add_column(column)
    for row in status.rows:
        colour = STATE_COLOURS.get(row.state, "red")
        table.add_row(
            row.name,
            f"[{colour}]{row.state}[/{colour}]",
            str(row.port or ""),
            str(row.pid or ""),
            str(row.restarts),
        )
    out.print(table)


def colour_of(name: str) -> str:
    """Always the same colour for the same process."""
    return COLOURS[sum(name.encode()) % len(COLOURS)]
