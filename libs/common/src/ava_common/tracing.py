"""One request id and one W3C trace, carried through every hop in a context variable.

Decisions 0092 and 0164.
"""

import os
import random
import re
from contextvars import ContextVar
from typing import NamedTuple

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

# Without a system call: ids have to differ, not to be hard to guess.
_ids = random.Random()  # noqa: S311
os.register_at_fork(after_in_child=_ids.seed)


class Trace(NamedTuple):
    """The W3C `traceparent` to send on, https://www.w3.org/TR/trace-context/, and the id of the request.

    The request may be a background step. Outside of one the `traceparent` is empty and the id `none`.
    """

    traceparent: str = ""
    request_id: str = "none"


_current: ContextVar[Trace] = ContextVar("trace", default=Trace())  # noqa: B039 - cannot be changed


def current_trace() -> Trace:
    """The trace being worked in."""
    return _current.get()


class new_trace:
    """Work inside a trace: a child of `parent` when that is a valid traceparent, else a new one."""

    __slots__ = ("_token", "_trace")

    def __init__(self, parent: str = "", request: str = "") -> None:
        found = _TRACEPARENT.fullmatch(parent) if parent else None
        drawn = _ids.randbytes(40).hex()  # all ids of a request at once
        trace, flags = (found[1], found[3]) if found else (drawn[:32], "01")
        uuid4 = f"{drawn[48:56]}-{drawn[56:60]}-4{drawn[61:64]}-a{drawn[65:68]}-{drawn[68:]}"
        mine = request if request and _REQUEST_ID.fullmatch(request) else uuid4
        self._trace = Trace(f"00-{trace}-{drawn[32:48]}-{flags}", mine)

    def __enter__(self) -> Trace:
        self._token = _current.set(self._trace)
        return self._trace

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
