"""How an operator's command appears in a terminal: its name, its tables, and a reader that stops early."""

import os
import sys
from collections.abc import Callable, Sequence

from ava_common.log import leave_stdout_alone

BROKEN_PIPE = 141
"""The exit status of a program that its reader has left, as shells know it: 128 + SIGPIPE."""


def program_name(default: str) -> str:
    """What help and usage lines call the program: AVA_PROGRAM where a wrapper started it."""
    return os.environ.get("AVA_PROGRAM") or default


def run(main: Callable[[], int]) -> int:
    """The exit status; nothing more is said when the reader, such as `head`, has all it wanted."""
    leave_stdout_alone()
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes again at its exit, which must find an open file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return status


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows under their heads, in columns as wide as needed."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
