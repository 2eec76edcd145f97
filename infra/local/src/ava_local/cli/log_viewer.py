"""Prints the last lines of several log files, and follows them."""

import time
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from ava_local.cli.console import process_colour, stdout
from ava_local.supervisor.log_files import last_lines

POLL_SECONDS = 0.3


def show_last_lines(files: Sequence[Path], lines: int) -> None:
    """Print the last lines of each file."""
    for file in files:
        for line in last_lines(file, lines) if lines else []:
            show_line(file, line)


def follow(files: Sequence[Path]) -> None:
    """Print new lines until Ctrl-C."""
    offsets = {file: file.stat().st_size for file in files}
    while True:
        for file in files:
            offsets[file] = show_new_lines(file, offsets[file])
        time.sleep(POLL_SECONDS)


def show_new_lines(file: Path, start: int) -> int:
    """Print the complete lines after `start`; returns where to continue."""
    size = file.stat().st_size if file.exists() else 0
    if size < start:
        start = 0
    with file.open("rb") as text:
        text.seek(start)
        new = text.read(size - start)
    whole = new[: new.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        show_line(file, line)
    return start + len(whole)


def show_line(file: Path, line: str) -> None:
    stdout.print(Text.assemble((f"{file.stem:<18} ", process_colour(file.stem)), line))
