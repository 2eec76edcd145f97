"""Run an operator command's `main` as a program: its exit code, and no traceback when the reader has left."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

READER_HAS_LEFT = 141
"""What a shell reports for a program that SIGPIPE ended."""


def run(main: Callable[[], int]) -> NoReturn:
    """Exit with what `main` returns; with 141 when standard output was closed early, as `head` does."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes standard output once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = READER_HAS_LEFT
    sys.exit(code)
