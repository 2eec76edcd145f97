"""./ava logs: the last lines of several log files, merged by time, and what is added to them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ava_local.cli.console import process_colour, stdout
from ava_local.cli.log_lines import LogLine, parse
from ava_local.expected_error import ExpectedError
from ava_local.stack.layout import StackLayout
from ava_local.supervisor.log_files import last_lines

POLL_SECONDS = 0.3


class LogNotFound(ExpectedError):
    """The requested log does not exist."""

    def __init__(self, process: str | None, available: list[str]) -> None:
        known = f"Available logs: {', '.join(available)}" if available else "Start Ava with: ./ava up"
        super().__init__(f"no log for {process or 'any process'}. {known}")


def logs(
    process: Annotated[
        str | None, typer.Argument(help="Show only this process; all of them by default.")
    ] = None,
    keep_following: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new lines until Ctrl-C.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="Number of lines of each process to show first.")
    ] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Show the logs of all processes merged by time, or of one process."""
    folder = StackLayout.from_environment().logs_dir
    files = [file for file in sorted(folder.glob("*.log")) if process in (None, file.stem)]
    if not files:
        raise LogNotFound(process, sorted(file.stem for file in folder.glob("*.log")))
    show_last_lines(files, lines, json)
    if keep_following:
        follow(files, json)


def show_last_lines(files: Sequence[Path], lines: int, as_json: bool = False) -> None:
    """Print the last lines of each file, the oldest first."""
    found = [line for file in files if lines for line in parsed(file, last_lines(file, lines))]
    show(sorted(found, key=lambda line: line.at), as_json)


def follow(files: Sequence[Path], as_json: bool = False) -> None:
    """Print new lines until Ctrl-C."""
    offsets = {file: file.stat().st_size for file in files}
    while True:
        new: list[LogLine] = []
        for file in files:
            offsets[file], lines = new_lines(file, offsets[file])
            new += lines
        show(sorted(new, key=lambda line: line.at), as_json)
        time.sleep(POLL_SECONDS)


def new_lines(file: Path, start: int) -> tuple[int, list[LogLine]]:
    """Where to continue, and the complete lines after `start`."""
    size = file.stat().st_size if file.exists() else 0
    if size < start:
        start = 0
    if size == start:
        return start, []
    with file.open("rb") as text:
        text.seek(start)
        new = text.read(size - start)
    whole = new[: new.rfind(b"\n") + 1]
    return start + len(whole), list(parsed(file, whole.decode(errors="replace").splitlines()))


def parsed(file: Path, lines: Sequence[str]) -> Iterator[LogLine]:
    """The lines of one file; a line without a time stays behind the one before it.

    The first lines have the time of the next one that has one, else that of the file's last change.
    """
    at, found = 0.0, []
    for line in lines:
        found.append(parse(file.stem, line, at))
        at = found[-1].at
    first = next((line.at for line in found if line.at), None)
    return (line if line.at else replace(line, at=first or _last_change(file)) for line in found)


def _last_change(file: Path) -> float:
    return file.stat().st_mtime if file.exists() else 0.0


def show(lines: Sequence[LogLine], as_json: bool) -> None:
    for line in lines:
        if as_json:
            print(line.as_json(), flush=True)
            continue
        name = (f"{line.process:<18} ", process_colour(line.process))
        stdout.print(Text.assemble((f"{line.clock()} ", "dim"), name, line.words()))
