"""The command line of `./ava chaos`: options, progress and result of one run."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from ava_local.cli import console
from ava_local.cli.console import stderr, stdout
from ava_local.expected_error import ExpectedError
from chaos.options import Options
from chaos.run import Progress, Report, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    messages: Annotated[int, typer.Option(min=1, help="Number of messages to send.")] = 10_000,
    users: Annotated[int, typer.Option(min=1, max=10_000, help="Number of users sending them.")] = 200,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed fails the same sends.")] = 1,
    rate: Annotated[float, typer.Option(min=1, help="Messages per second.")] = 150.0,
    rounds: Annotated[
        int, typer.Option(min=0, help="How often each process is killed, and each outage happens.")
    ] = 3,
    graph_away: Annotated[
        float, typer.Option(min=1, help="Seconds of each outage of the Graph API.")
    ] = 120.0,
    stall_timeout: Annotated[
        float, typer.Option(min=1, help="Seconds without progress before giving up.")
    ] = 120.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Kill processes, inject faults and let things be away while users send messages.

    Meanwhile some users change their links and their numbers. The outages: a pooler that is full, pages in
    place of the services, the Graph API away, the gateway standing still beyond its lease, an immediate
    restart of the database.

    Exits with 1 if anything was lost or duplicated. The gateway runs with shorter time limits, so that a run
    takes minutes: 2 s for the Graph API, 10 s leases, 10 s until an unknown send needs an operator,
    32 conversations in parallel, and a faster pair rate. Decision 0030 lists every setting.
    """
    options = Options(
        messages, min(users, messages), seed, rate, rounds, stall_timeout, graph_away_seconds=graph_away
    )
    with stderr.status("Starting a stack …") as status:
        report = run(options, lambda progress: status.update(_progress_text(progress, options)))
    console.print_json(report_as_json(report)) if json else _print_report(report)
    raise typer.Exit(0 if report.ok else 1)


def report_as_json(report: Report) -> dict[str, Any]:
    """The report as one document."""
    summary = {
        "ok": report.ok,
        "quiet": report.finished,
        "seconds": report.seconds,
        "killed": report.killed,
        "state_dir": report.state_dir,
    }
    return summary | {"count": asdict(report.counts), "options": asdict(report.options)}


def _progress_text(progress: Progress, options: Options) -> str:
    left = "?" if progress.unfinished is None else str(progress.unfinished)
    counts = (
        f"{progress.sent}/{options.messages} sent, {progress.received} echoes received, {left} unfinished"
    )
    return f"{progress.stage}: {counts}"


def _print_report(report: Report) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for name, number in asdict(report.counts).items():
        is_violated = name in report.counts.violations()
        table.add_row(name.replace("_", " "), f"[red]{number}[/red]" if is_violated else str(number))
    stdout.print(table)
    kills = ", ".join(f"{name} {times}×" for name, times in sorted(report.killed.items())) or "none"
    stdout.print(f"Processes killed: {kills}. Finished after {report.seconds:.0f} s.")
    if not report.ok:
        stdout.print(f"The stack's data and logs are kept in {report.state_dir}", markup=False)
    if not report.finished:
        stdout.print(f"[red]It did not finish: no progress for {report.options.stall_timeout:.0f} s.[/red]")
    stdout.print(
        "[bold green]Nothing lost, nothing duplicated, order kept.[/bold green]" if report.ok else ""
    )


if __name__ == "__main__":
    try:
        app(prog_name="./ava chaos")
    except ExpectedError as error:
        stderr.print(f"ava chaos: {error}", style="red", markup=False)
        raise SystemExit(1) from None
