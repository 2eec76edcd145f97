"""Prints the results as tables."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from ava_local.cli.console import stdout

TITLES = {
    "webhook": "A signed text message accepted, 32 keep-alive connections",
    "newest": "A user's newest 20 messages, row-level security on, token verified",
}
COLUMNS = {
    "ratio": "÷ limit", "per_second": "per second", "program_us": "CPU µs", "database_us": "PostgreSQL µs",
    "p50_ms": "p50 ms", "p99_ms": "p99 ms",
}  # fmt: skip


def show(found: Mapping[str, Any]) -> None:
    """One table per comparison; only the ratios can be compared between machines."""
    for part, title in TITLES.items():
        if part in found:
            stdout.print(f"\n[bold]{title}[/bold]")
            stdout.print(_table(found[part]))
    if echo := found.get("echo"):
        stdout.print("\n[bold]From webhook to echo through the whole stack[/bold]")
        stdout.print(
            f"{echo['messages']} messages from {echo['users']} users at once: "
            f"{echo['per_second']} per second, {echo['gateway_us']} µs gateway CPU each. "
            f"Idle: {echo['idle_ms']} ms (median)."
        )
    if thoughts := found.get("thinking"):
        stdout.print("\n[bold]An answerer that takes its time[/bold]")
        stdout.print(
            f"{thoughts['users']} users, {thoughts['thought_seconds']:.0f} s each: answered in "
            f"{thoughts['seconds']} s, at most {thoughts['most_at_once']} at once; gateway "
            f"{thoughts['idle_mb']} MB before, {thoughts['most_mb']} MB at most, "
            f"{thoughts['gateway_ms']} ms CPU each, at most {thoughts['database_connections']} database "
            f"connections, {thoughts['database_at_work']} of them at work. Asked {thoughts['asked']} times."
        )


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    for title in COLUMNS.values():
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(row["name"], *(str(row[column]) for column in COLUMNS))
    return table
