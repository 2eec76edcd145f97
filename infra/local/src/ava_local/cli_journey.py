"""Commands that live through the house as a person would."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ava_local import paper
from ava_local.cli_house import AsJson
from ava_local.handle import House, HouseDown
from ava_local.paper import errors, out

if TYPE_CHECKING:
    from ava_local.journey import Step

PATIENCE = 15.0


def demo(json: AsJson = False) -> None:
    """Play the whole journey over HTTP; ends with 1 if any step is not as it should be."""
    house = House()
    starts_it = house.status() is None
    if starts_it:
        with errors.status("The house is down; starting it for the demo …"):
            house.start()
    try:
        steps = play(house, quiet=json)
    finally:
        if starts_it:
            house.stop()
    went_well = not any(step.problem for step in steps)
    if json:
        paper.as_json({"ok": went_well, "steps": [asdict(step) for step in steps]})
    else:
        out.print("[bold green]Every step is as it should be.[/bold green]" if went_well else "")
    raise typer.Exit(0 if went_well else 1)


def play(house: House, quiet: bool) -> "list[Step]":
    # Loaded here, so that the supervisor does not carry an HTTP client.
    from ava_local.journey import Journey

    steps = []
    for step in Journey(house.url("caddy"), house.phone).play():
        steps.append(step)
        if not quiet:
            mark = "[red]✗[/red]" if step.problem else "[green]✓[/green]"
            out.print(f"  {mark} {step.title} [dim]{step.seconds:.2f} s[/dim]")
            out.print(f"    {step.problem}", style="red", markup=False) if step.problem else None
    return steps


def phone(
    number: Annotated[str, typer.Argument(help="Whose phone, like +4915112345678.")],
    text: Annotated[list[str], typer.Argument(help="What to write.")],
    json: AsJson = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = PATIENCE,
) -> None:
    """Write to Ava from a phone and wait for the answer; ends with 1 if none comes."""
    from ava_local.telephone import Telephone, number_from

    house, who, words = House(), number_from(number), " ".join(text)
    if house.status() is None:
        raise HouseDown("the house is down. Start it with: ./ava up")
    telephone, began = Telephone(house.phone, who), time.monotonic()
    message_id = telephone.write(words)
    answers = telephone.hear(wait)
    seconds = round(time.monotonic() - began, 3)
    if json:
        paper.as_json({"id": message_id, "number": who, "answers": answers, "seconds": seconds})
    else:
        out.print(f"[cyan]{who}[/cyan] → {words}")
        for answer in answers:
            out.print(f"[cyan]{who}[/cyan] ← {answer}  [dim]{seconds:.2f} s[/dim]")
        if not answers:
            errors.print(f"No answer within {wait:.0f} s. Look at: ./ava logs whatsapp-gateway", style="red")
    raise typer.Exit(0 if answers else 1)
