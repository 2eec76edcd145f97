"""One request id and one W3C trace, carried through every hop in a context variable.

Decision 0092.
"""

import re
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


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


@contextmanager
def new_trace(parent: str = "", request: str = "") -> Iterator[None]:
    """Work inside a trace: a child of `parent` when that is a valid traceparent, else a new one."""
    found = _TRACEPARENT.fullmatch(parent)
    trace, flags = (found[1], found[3]) if found else (secrets.token_hex(16), "01")
    mine = request if _REQUEST_ID.fullmatch(request) else str(uuid.uuid4())
    token = _current.set(Trace(f"00-{trace}-{secrets.token_hex(8)}-{flags}", mine))
    try:
        yield
    finally:
        _current.reset(token)
