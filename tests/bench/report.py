"""Prints what was found: every figure with its goal, then the measurements behind them."""

from collections.abc import Sequence

from rich.table import Table as RichTable

from ava_local.cli.console import stdout
from bench import results
from bench.results import Found, Result

COLUMNS = {
    "name": "", "ratio": "÷ limit", "per_second": "per second",
    "program_us": "CPU µs", "database_us": "PostgreSQL µs", "p50_ms": "p50 ms", "p99_ms": "p99 ms",
}  # fmt: skip
MET = {True: "[green]met[/green]", False: "[red]missed[/red]", None: ""}


def show(found: Found) -> None:
    """Only ratios can be compared between machines."""
    for table in found.tables:
        stdout.print(f"\n[bold]{table.title}[/bold]")
        stdout.print(_table(table))
    if found.results:
        stdout.print("\n[bold]Goals[/bold]")
        stdout.print(_goals(found.results))


def _goals(found: Sequence[Result]) -> RichTable:
    table = _empty("", "median", "lowest", "highest", "goal", "")
    for one in found:
        figures = (
            "-" if figure is None else f"{figure:g}" for figure in (one.value, one.lowest, one.highest)
        )
        table.add_row(one.name, *figures, one.goal, MET[one.met])
    return table


def _table(found: results.Table) -> RichTable:
    names = [name for name in (found.rows[0] if found.rows else ()) if name not in ("lowest", "highest")]
    table = _empty(*(COLUMNS.get(name, name.replace("_", " ")) for name in names))
    for row in found.rows:
        table.add_row(*(str(row[name]) for name in names))
    return table


def _empty(*titles: str) -> RichTable:
    table = RichTable(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    return table
