"""Commands that open, watch and close the house."""

import subprocess
import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer

from ava_local import follow, paper, running
from ava_local import status as statuses
from ava_local.handle import House, HouseDown
from ava_local.paper import errors, out
from ava_local.places import Places
from ava_local.process import Kept
from ava_local.status import AlreadyUp

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]


def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when ready; stop with ./ava down.")
    ] = False,
    while_stdin_open: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start everything, make what is missing, and stay until Ctrl-C."""
    places = Places.chosen()
    if statuses.current(places):
        return say_already_up(places)
    if detach:
        return start_behind(places)
    progress = Progress()
    try:
        running.run(places, progress.report, lambda: progress.welcome(places), while_stdin_open)
    except AlreadyUp:
        return say_already_up(places)
    out.print("Stopped; the data is kept.")
    return None


class Progress:
    """A line per process on the way up; afterwards only what is worth a look."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.is_up = False

    def report(self, kept: Kept) -> None:
        name, state = kept.process.name, kept.state
        if state in ("ready", "done") and (not self.is_up or kept.starts > 1):
            out.print(f"  [green]✓[/green] {name:<20} [dim]{time.monotonic() - self.began:.1f} s[/dim]")
        if state in ("restarting", "gave up"):
            out.print(f"  [red]![/red] {name:<20} {state}; see {kept.log}")

    def welcome(self, places: Places) -> None:
        self.is_up = True
        paper.welcome(places, "Ctrl-C" if sys.stdin.isatty() else "./ava down")


def say_already_up(places: Places) -> None:
    found = statuses.current(places)
    out.print("This house is up already." if found else "This house is being started by another ./ava up.")
    if found:
        paper.welcome(places, "./ava down")


def start_behind(places: Places) -> None:
    """The supervisor goes on without this terminal."""
    places.make()
    with (places.state / "supervisor.log").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "ava_local", "up"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with errors.status("Starting …"):
        while not (found := statuses.current(places)) or not found.is_ready:
            if supervisor.poll() is not None:
                words = (places.state / "supervisor.log").read_text(errors="replace")
                raise HouseDown(f"the house did not come up:\n{words.strip()}")
            time.sleep(0.1)
    paper.welcome(places, "./ava down")


def down() -> None:
    """Stop everything in order; the data is kept."""
    house = House()
    if house.status() is None:
        out.print("The house is down.")
        return
    house.stop()
    out.print("Stopped; the data is kept.")


def status(json: AsJson = False) -> None:
    """Say what runs and where; ends with 1 unless everything is ready."""
    places = Places.chosen()
    found = statuses.current(places)
    is_ready = found is not None and found.is_ready
    rows = [asdict(row) for row in found.rows] if found else []
    if json:
        paper.as_json(
            {"up": found is not None, "ready": is_ready, **paper.addresses(places), "processes": rows}
        )
    elif found:
        paper.processes(found)
        paper.welcome(places, "./ava down") if is_ready else out.print("Not everything is ready.")
    else:
        out.print("The house is down. Start it with: ./ava up")
    raise typer.Exit(0 if is_ready else 1)


def logs(
    process: Annotated[str | None, typer.Argument(help="One process; without it, all of them.")] = None,
    keep_following: Annotated[bool, typer.Option("--follow", "-f", help="Stay and show what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many older lines.")] = 20,
) -> None:
    """Show what the processes said."""
    folder = Places.chosen().logs
    files = [file for file in sorted(folder.glob("*.log")) if process in (None, file.stem)]
    if not files:
        known = ", ".join(sorted(file.stem for file in folder.glob("*.log"))) or "none yet"
        raise HouseDown(f"no log of {process or 'anything'}. There are: {known}")
    follow.show(files, lines)
    if keep_following:
        follow.stay(files)


def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Stop the house and delete all its data: accounts, messages, secrets, logs."""
    places = Places.chosen()
    if not yes and not typer.confirm(f"Delete everything in {places.state}?"):
        raise typer.Exit(1)
    house = House()
    house.stop()
    house.forget()
    out.print("Everything is gone. ./ava up starts over.")
