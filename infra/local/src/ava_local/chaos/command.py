"""`./ava chaos`: the run in a terminal."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ava_local import paper
from ava_local.chaos.options import Options
from ava_local.paper import errors, out

if TYPE_CHECKING:
    from ava_local.chaos.run import Progress, Report


def chaos(
    messages: Annotated[int, typer.Option(min=1, help="How many messages are written.")] = 10_000,
    people: Annotated[int, typer.Option(min=1, max=10_000, help="By how many people.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed breaks the same sends.")] = 1,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second.")] = 150.0,
    rounds: Annotated[int, typer.Option(min=0, help="How often each process is killed.")] = 3,
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds without progress before giving up.")
    ] = 120.0,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")] = False,
) -> None:
    """Break a house on purpose while people write to it; ends with 1 if anything was lost or doubled.

    The gateway is the one of everywhere with less patience, so that minutes suffice: 2 s for Graph, leases of
    10 s, 10 s until an unknown send is a person's to decide, 32 people at a time, and a fast pair rate;
    docs/decisions/0030 has every setting.
    """
    # Loaded here, so that no other command carries an HTTP client and a database driver.
    from ava_local.chaos.run import run

    options = Options(messages, min(people, messages), seed, rate, rounds, patience)
    with errors.status("Bringing a house up …") as status:
        report = run(options, lambda progress: status.update(_words(progress, options)))
    paper.as_json(as_json(report)) if json else _show(report)
    raise typer.Exit(0 if report.ok else 1)


def as_json(report: "Report") -> dict[str, Any]:
    """The report as one document."""
    told = {
        "ok": report.ok,
        "quiet": report.quiet,
        "seconds": report.seconds,
        "killed": report.killed,
        "kept_in": report.kept_in,
    }
    return told | {"count": asdict(report.count), "options": asdict(report.options)}


def _words(progress: "Progress", options: Options) -> str:
    left = "?" if progress.open is None else str(progress.open)
    counts = f"{progress.said}/{options.messages} said, {progress.received} echoes received, {left} open"
    return f"{progress.stage}: {counts}"


def _show(report: "Report") -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for name, number in asdict(report.count).items():
        wrong = name in report.count.wrong()
        table.add_row(name.replace("_", " "), f"[red]{number}[/red]" if wrong else str(number))
    out.print(table)
    kills = ", ".join(f"{name} {times}×" for name, times in sorted(report.killed.items())) or "nothing"
    out.print(f"Killed without warning: {kills}. Quiet after {report.seconds:.0f} s.")
    if not report.ok:
        out.print(f"The house and its logs are kept in {report.kept_in}", markup=False)
    if not report.quiet:
        out.print("[red]It never came to rest.[/red]")
    out.print("[bold green]Nothing lost, nothing doubled, order kept.[/bold green]" if report.ok else "")
