"""Commands that live through the house as a person would."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ava_local.cli import console
from ava_local.cli.console import stderr, stdout
from ava_local.cli.lifecycle import AsJson
from ava_local.stack.control import Stack, StackNotRunning

if TYPE_CHECKING:
    from ava_local.demo.user_journey import Step

ANSWER_TIMEOUT_SECONDS = 15.0


def demo(json: AsJson = False) -> None:
    """Play the whole journey over HTTP; ends with 1 if any step is not as it should be."""
    stack = Stack()
    starts_it = stack.status() is None
    if starts_it:
        with stderr.status("The house is down; starting it for the demo …"):
            stack.start()
    try:
        steps = run_journey(stack, quiet=json)
    finally:
        if starts_it:
            stack.stop()
    all_passed = not any(step.problem for step in steps)
    if json:
        console.print_json({"ok": all_passed, "steps": [asdict(step) for step in steps]})
    else:
        stdout.print("[bold green]Every step is as it should be.[/bold green]" if all_passed else "")
    raise typer.Exit(0 if all_passed else 1)


def run_journey(stack: Stack, quiet: bool) -> "list[Step]":
    # Loaded here, so that the supervisor does not carry an HTTP client.
    from ava_local.demo.user_journey import UserJourney

    steps = []
    for step in UserJourney(stack.url("caddy"), stack.simulator_url).run():
        steps.append(step)
        if not quiet:
            mark = "[red]✗[/red]" if step.problem else "[green]✓[/green]"
            stdout.print(f"  {mark} {step.title} [dim]{step.seconds:.2f} s[/dim]")
            stdout.print(f"    {step.problem}", style="red", markup=False) if step.problem else None
    return steps


def phone(
    number: Annotated[str, typer.Argument(help="Whose phone, like +4915112345678.")],
    text: Annotated[list[str], typer.Argument(help="What to write.")],
    json: AsJson = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = ANSWER_TIMEOUT_SECONDS,
) -> None:
    """Write to Ava from a phone and wait for the answer; ends with 1 if none comes."""
    from ava_local.demo.phone_client import PhoneClient, parse_phone_number

    stack, who, words = Stack(), parse_phone_number(number), " ".join(text)
    if stack.status() is None:
        raise StackNotRunning("the house is down. Start it with: ./ava up")
    telephone, began = PhoneClient(stack.simulator_url, who), time.monotonic()
    message_id = telephone.send(words)
    replies = telephone.receive(wait)
    seconds = round(time.monotonic() - began, 3)
    if json:
        console.print_json({"id": message_id, "number": who, "answers": replies, "seconds": seconds})
    else:
        stdout.print(f"[cyan]{who}[/cyan] → {words}")
        for answer in replies:
            stdout.print(f"[cyan]{who}[/cyan] ← {answer}  [dim]{seconds:.2f} s[/dim]")
        if not replies:
            stderr.print(f"No answer within {wait:.0f} s. Look at: ./ava logs whatsapp-gateway", style="red")
    raise typer.Exit(0 if replies else 1)
