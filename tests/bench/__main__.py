"""`./ava bench`: compares, in one run, with the limit and with what people would use instead."""

import asyncio
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from ava_local.cli import console
from ava_local.cli.console import stderr
from ava_local.expected_error import ExpectedError
from bench import borrowed, echo, newest, webhook
from bench.ground import prepared
from bench.report import show
from bench.variants import Row, Variant, compare

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Part(StrEnum):
    webhook = "webhook"
    newest = "newest"
    echo = "echo"


@app.command()
def main(
    parts: Annotated[list[Part] | None, typer.Argument(help="Which; without it, all.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each variant has its turn.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.05, help="How long a turn is.")] = 1.0,
    messages: Annotated[int, typer.Option(min=6000, help="Rows in the large message log.")] = 300_000,
    echoes: Annotated[int, typer.Option(min=1, help="Messages through the whole house at once.")] = 500,
    people: Annotated[int, typer.Option(min=1, help="By how many people.")] = 50,
    pywa: Annotated[bool, typer.Option("--pywa", help="Fetch pywa (pinned) into .ava/bench.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")] = False,
) -> None:
    """Measure speed beside the limit and beside what people would use instead; starts and ends by itself."""
    if pywa:
        borrowed.install()
    found: dict[str, Any] = {}
    chosen = parts or list(Part)
    with stderr.status("Preparing …"):
        if Part.webhook in chosen or Part.newest in chosen:
            found |= asyncio.run(_rows(chosen, rounds, seconds, messages))
        if Part.echo in chosen:
            found["echo"] = asdict(asyncio.run(echo.measure(echoes, min(people, echoes), 10)))
    console.print_json(found) if json else show(found)


async def _rows(chosen: list[Part], rounds: int, seconds: float, messages: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with prepared() as ground:
        if Part.webhook in chosen:
            async with webhook.variants(ground) as variants:
                found["webhook"] = [asdict(row) for row in await _measured(variants, rounds, seconds)]
        if Part.newest in chosen:
            async with newest.variants(ground, messages) as variants:
                found["newest"] = [asdict(row) for row in await _measured(variants, rounds, seconds)]
    return found


async def _measured(variants: list[Variant], rounds: int, seconds: float) -> list[Row]:
    # Beside the loop, because a variant may bring a loop of its own.
    return await asyncio.to_thread(compare, variants, rounds, seconds)


if __name__ == "__main__":
    try:
        app(prog_name="./ava bench")
    except ExpectedError as error:
        stderr.print(f"ava bench: {error}", style="red", markup=False)
        raise SystemExit(1) from None
