"""./ava demo and ./ava phone: run the user journey, and send a message from a simulated phone."""

import time
from dataclasses import asdict
from json import loads
from typing import TYPE_CHECKING, Annotated

import typer

from ava_local.cli import console
from ava_local.cli.console import stderr, stdout
from ava_local.cli.lifecycle import AsJson
from ava_local.cli.service_commands import run_service_command
from ava_local.expected_error import ExpectedError
from ava_local.stack.control import Stack, StackNotRunning

if TYPE_CHECKING:
    from ava_local.demo.phone_client import PhoneClient
    from ava_local.demo.user_journey import Step

ANSWER_TIMEOUT_SECONDS = 15.0
# After so long without a reply the command looks why there is none.
SILENCE_SECONDS = 2.0


class NothingToSend(ExpectedError):
    """There is no text to send. Write it after the number: ./ava phone +4915112345678 "hello"."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def demo(json: AsJson = False) -> None:
    """Run the full user journey over HTTP; exits with 1 if any step fails."""
    stack = Stack()
    starts_it = stack.status() is None
    if starts_it:
        with stderr.status("Ava is not running; starting it for the demo …"):
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
        stdout.print("[bold green]All steps passed.[/bold green]" if all_passed else "")
    raise typer.Exit(0 if all_passed else 1)


def run_journey(stack: Stack, quiet: bool) -> "list[Step]":
    # Imported here, so that the supervisor does not load an HTTP client.
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
    number: Annotated[str, typer.Argument(help="Phone number to send from, for example +4915112345678.")],
    text: Annotated[list[str], typer.Argument(help="The message text.")],
    json: AsJson = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a reply.")] = ANSWER_TIMEOUT_SECONDS,
) -> None:
    """Send Ava a message from a simulated phone and wait for the reply; exits with 1 if none arrives."""
    from ava_local.demo.phone_client import PhoneClient, parse_phone_number

    stack, sender, message = Stack(), parse_phone_number(number), " ".join(text)
    if not message.strip():
        raise NothingToSend
    running = stack.status()
    if running is None:
        raise StackNotRunning("Ava is not running. Start it with: ./ava up")
    if "whatsapp-simulator" not in {row.name for row in running.processes}:
        raise StackNotRunning("This stack uses the real WhatsApp (GRAPH_API_URL is set): write from a phone.")
    client, began = PhoneClient(stack.simulator_url, sender), time.monotonic()
    message_id = client.send(message)
    replies, held = receive(client, message_id, wait)
    seconds = round(time.monotonic() - began, 3)
    if json:
        found = {"answers": replies, "held": held, "seconds": seconds}
        console.print_json({"id": message_id, "number": sender, **found})
    else:
        stdout.print(f"[cyan]{sender}[/cyan] → {message}")
        for reply in replies:
            stdout.print(f"[cyan]{sender}[/cyan] ← {reply}  [dim]{seconds:.2f} s[/dim]")
        if held and not replies:
            stderr.print(f"Held: {sender} is not linked. Link it at {stack.public_url}; then it is answered.")
        elif not replies:
            stderr.print(f"No reply within {wait:.0f} s. Check: ./ava logs whatsapp-gateway", style="red")
    raise typer.Exit(0 if replies else 1)


def receive(client: "PhoneClient", message_id: str, wait: float) -> tuple[list[str], bool]:
    """The replies, and whether the message is held because its sender is not linked: no reply will come."""
    replies, deadline = client.receive(min(wait, SILENCE_SECONDS)), time.monotonic() + wait - SILENCE_SECONDS
    if replies:
        return replies, False
    # The notice to a number that no one has linked may be on its way.
    if held := is_held(message_id):
        deadline = min(deadline, time.monotonic() + SILENCE_SECONDS)
    return client.receive(max(0.0, deadline - time.monotonic())), held


def is_held(message_id: str) -> bool:
    """As `./ava gateway list` tells it."""
    wanted = ["list", "--wamid", message_id, "--json"]
    listed = run_service_command("whatsapp-gateway", "./ava gateway", wanted, read=True)
    return not listed.returncode and any(event["state"] == "held" for event in loads(listed.stdout))
