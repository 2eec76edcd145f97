"""`./ava bench`: compares Ava, in one run, with the theoretical limit and with alternatives."""

import asyncio
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from ava_local.cli import console
from ava_local.cli.console import stderr
from ava_local.expected_error import ExpectedError
from bench import echo, newest_messages, pywa_environment, thinking, webhook
from bench.benchmark_setup import prepared
from bench.comparison import Row, Variant, compare
from bench.report import show

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Part(StrEnum):
    webhook = "webhook"
    newest = "newest"
    echo = "echo"
    thinking = "thinking"


USUAL = (Part.webhook, Part.newest, Part.echo)


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
    pywa: Annotated[
        bool, typer.Option("--pywa", help="Also compare with pywa (installed, pinned, into .ava/bench).")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Benchmark Ava against the theoretical limit and against alternatives.

    Starts and stops everything it needs.
    """
    if pywa:
        pywa_environment.install()
    found: dict[str, Any] = {}
    chosen = parts or list(USUAL)
    with stderr.status("Preparing …"):
        if Part.webhook in chosen or Part.newest in chosen:
            found |= asyncio.run(_rows(chosen, rounds, seconds, messages))
        if Part.echo in chosen:
            found["echo"] = asdict(asyncio.run(echo.measure(echoes, min(users, echoes), 10)))
        if Part.thinking in chosen:
            found["thinking"] = asdict(asyncio.run(thinking.measure(thoughts, thought)))
    console.print_json(found) if json else show(found)


async def _rows(chosen: list[Part], rounds: int, seconds: float, messages: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with prepared() as setup:
        if Part.webhook in chosen:
            async with webhook.variants(setup) as variants:
                found["webhook"] = [asdict(row) for row in await _measured(variants, rounds, seconds)]
        if Part.newest in chosen:
            async with newest_messages.variants(setup, messages) as variants:
                found["newest"] = [asdict(row) for row in await _measured(variants, rounds, seconds)]
    return found


async def _measured(variants: list[Variant], rounds: int, seconds: float) -> list[Row]:
    # In a thread, because a variant may run an event loop of its own.
    return await asyncio.to_thread(compare, variants, rounds, seconds)


if __name__ == "__main__":
    try:
        app(prog_name="./ava bench")
    except ExpectedError as error:
        stderr.print(f"ava bench: {error}", style="red", markup=False)
        raise SystemExit(1) from None
