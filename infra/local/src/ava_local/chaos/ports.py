"""Finds room for a second house beside whatever runs already."""

import random
import socket

from ava_local.places import OFFSETS


class NoPorts(Exception):
    """No eight free ports in a row were found. Close what is listening and run the same command again."""


def free_base(tries: int = 200) -> int:
    """A port that is free together with every port a house uses above it."""
    for _ in range(tries):
        base = random.randrange(20_000, 32_000, 10)
        if all(_is_free(base + offset) for offset in OFFSETS.values()):
            return base
    raise NoPorts


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
