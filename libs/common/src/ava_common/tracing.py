"""One request id and one W3C trace, carried through every hop in context variables.

Decision 0092.
"""

import re
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

_request_id: ContextVar[str] = ContextVar("request_id", default="none")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def request_id() -> str:
    """The id of the request (or background step) being worked on; `none` outside of one."""
    return _request_id.get()


def traceparent() -> str:
    """The W3C `traceparent` to send on, https://www.w3.org/TR/trace-context/; empty outside a trace."""
    return _traceparent.get()


@contextmanager
def new_trace(parent: str = "", request: str = "") -> Iterator[None]:
    """Work inside a trace: a child of `parent` when that is a valid traceparent, else a new one."""
    found = _TRACEPARENT.fullmatch(parent)
    trace, flags = (found[1], found[3]) if found else (secrets.token_hex(16), "01")
    mine = request if _REQUEST_ID.fullmatch(request) else str(uuid.uuid4())
    tokens = _request_id.set(mine), _traceparent.set(f"00-{trace}-{secrets.token_hex(8)}-{flags}")
    try:
        yield
    finally:
        _request_id.reset(tokens[0])
        _traceparent.reset(tokens[1])
