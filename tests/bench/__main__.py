"""`./ava bench`: compares Ava, in one run, with the theoretical limit and with alternatives."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from ava_local.cli import console
from ava_local.cli.console import stderr
from ava_local.expected_error import ExpectedError
from bench import (
    append,
    echo,
    footprint,
    growth,
    login,
    newest_messages,
    overload,
    peer_packages,
    queue_claims,
    thinking,
    webhook,
)
from bench.benchmark_setup import BenchmarkSetup, prepared
from bench.report import show
from bench.results import Found
from bench.running_stack import WholeStack, whole_stack
from bench.size import QUICK, Size

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Part(StrEnum):
    webhook = "webhook"
    newest = "newest"
    append = "append"
    growth = "growth"
    queue = "queue"
    overload = "overload"
    footprint = "footprint"
    login = "login"
    echo = "echo"
    thinking = "thinking"


WITH_DATABASE: dict[Part, Callable[[BenchmarkSetup, Size], Awaitable[Found]]] = {
    Part.webhook: webhook.measure,
    Part.newest: newest_messages.measure,
    Part.append: append.measure,
    Part.growth: growth.measure,
    Part.queue: queue_claims.measure,
    Part.overload: overload.measure,
}
WITH_STACK: dict[Part, Callable[[WholeStack, Size], Awaitable[Found]]] = {
    Part.footprint: footprint.measure,
    Part.login: login.measure,
    Part.echo: echo.measure,
}
USUAL = [part for part in Part if part is not Part.thinking]


@app.command()
def main(
    parts: Annotated[
        list[Part] | None, typer.Argument(help="Which benchmarks to run; all but `thinking` by default.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds per variant.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.05, help="Seconds per round.")] = 1.0,
    messages: Annotated[int, typer.Option(min=6000, help="Rows in the large message log.")] = 300_000,
    echoes: Annotated[int, typer.Option(min=1, help="Messages sent through the whole stack at once.")] = 500,
    users: Annotated[int, typer.Option(min=1, help="Number of users sending them.")] = 50,
    thoughts: Annotated[int, typer.Option(min=1, help="Users who are thought about at once.")] = 1000,
    thought: Annotated[float, typer.Option(min=0.1, help="Seconds that each answer takes.")] = 30.0,
    peers: Annotated[
        bool, typer.Option(help="Compare with pywa, which is installed, pinned, into .ava/bench.")
    ] = True,
    quick: Annotated[bool, typer.Option("--quick", help="Only show that every row runs.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Benchmark Ava against the theoretical limit and against alternatives.

    Starts and stops everything it needs.
    """
    if peers and (problem := peer_packages.install()):
        stderr.print(f"pywa could not be installed, so its row is empty: {problem[:300]}", markup=False)
    usual = Size(rounds=rounds, seconds=seconds, messages=messages, echoes=echoes, users=users)
    size = QUICK if quick else usual
    chosen = parts or USUAL
    with stderr.status("Measuring …"):
        found = asyncio.run(_measure([part for part in chosen if part is not Part.thinking], size))
        if Part.thinking in chosen:
            found.tables.append(asyncio.run(thinking.measure(thoughts, thought)))
    console.print_json(_document(found)) if json else show(found)


async def _measure(chosen: Sequence[Part], size: Size) -> Found:
    """What needs only a database comes first, so that no idle stack shares the machine with it."""
    found = Found()
    if alone := [part for part in chosen if part in WITH_DATABASE]:
        async with prepared() as setup:
            for part in alone:
                _add(found, await WITH_DATABASE[part](setup, size))
    if whole := [part for part in WITH_STACK if part in chosen]:  # memory before it is asked much
        async with whole_stack(size.users) as ours:
            for part in whole:
                _add(found, await WITH_STACK[part](ours, size))
    return found


def _add(found: Found, more: Found) -> None:
    found.results += more.results
    found.tables += more.tables


def _document(found: Found) -> dict[str, object]:
    return {
        "rows": [asdict(result) for result in found.results],
        "tables": [asdict(table) for table in found.tables],
    }


if __name__ == "__main__":
    try:
        app(prog_name="./ava bench")
    except ExpectedError as error:
        stderr.print(f"ava bench: {error}", style="red", markup=False)
        raise SystemExit(1) from None
