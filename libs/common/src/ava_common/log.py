"""One JSON object per line on stdout; never bodies, phones, tokens, e-mails or secrets.

Decisions 0155 and 0164.
"""

import asyncio
import atexit
import logging
import re
import sys
import time
import traceback
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
import structlog

from ava_common.tracing import Trace, current_trace

_SECRET_NAMES = re.compile(r"phone|e-?mail|token|password|secret|authorization|cookie|content|body", re.I)
_SECRET_VALUES = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JWT
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"  # an e-mail address
    r"|://[^/\s:@]+:[^@\s]+@"  # a URL's credentials
    r"|(?<![\w.-])\+?\d{9,15}(?![\w.-])"  # a phone number
)

LogEvent = MutableMapping[str, Any]
_NINE_DIGITS = re.compile(r"\d{9}")
_secret_name = lru_cache(1024)(_SECRET_NAMES.search)


def _processor(service: str) -> Any:
    """Adds the service, the trace and the frames of an exception to a line, and takes secrets out of it."""

    def process(_: Any, __: str, event: LogEvent) -> LogEvent:
        _request_lines.write()
        event["service"] = service
        trace = current_trace()
        if trace.traceparent:
            event.setdefault("request_id", trace.request_id)
            event.setdefault("trace_id", trace.traceparent[3:35])
        if info := event.pop("exc_info", None):
            event.update(_frames(info))
        for name, value in event.items():
            if name in ("event", "timestamp", "level"):
                continue
            if _secret_name(name):
                event[name] = "[redacted]"
            # A cheap test that is true of whatever _SECRET_VALUES finds spares most lines the search.
            elif isinstance(value, str) and ("@" in value or "eyJ" in value or _NINE_DIGITS.search(value)):
                event[name] = _SECRET_VALUES.sub("[redacted]", value)
        return event

    return process


def _frames(info: Any) -> LogEvent:
    """The type and the frames of an exception, never its text: a database's or peer's words may hold data."""
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if not isinstance(error, BaseException):
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "frames": places}


@dataclass
class _Configured:
    """What `configure` was given."""

    service: str = ""
    says_info: bool = True


_configured = _Configured()


def configure(service: str, level: str = "INFO") -> None:
    """Send our lines and those of libraries through one renderer, each naming the service."""
    _configured.service, _configured.says_info = service, logging.getLevelName(level) <= logging.INFO
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _processor(service),
    ]
    as_json = structlog.processors.JSONRenderer(
        serializer=lambda event, **_: orjson.dumps(event, default=str).decode()
    )
    structlog.configure(
        processors=[*shared, as_json],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_json],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # uvicorn brought its own handlers
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"  # it writes whole URLs; ours does not
    for name in ("httpx", "httpcore"):  # they write whole URLs
        logging.getLogger(name).setLevel(logging.WARNING)


def leave_stdout_alone() -> None:
    """For commands, whose output a program may read: errors are logged on stderr, the rest not at all."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("error"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


@lru_cache(1)
def _second(time_: int) -> str:
    """As in a timestamp: there are many requests in a second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time_))


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class RequestLine:
    """The access log's line about one kind of request, encoded once: only what differs is added to it.

    The same fields as a line of `log`, at a fraction of its price (decision 0155).
    """

    def __init__(self, method: str, route: str, status: int) -> None:
        said = {"method": method, "route": route, "status": status, "event": "request", "level": "info"}
        self._start = orjson.dumps({**said, "service": _configured.service}).decode()[:-1]

    def write(self, seconds: float, trace: Trace) -> None:
        """One line on stdout; nothing where lines of this level are not wanted.

        Written at the end of a turn of the event loop, with all others of the turn and after their answers;
        at once where none runs. Every other line writes those before it, and so does the end of the process.
        """
        if not _configured.says_info:
            return
        line = self, seconds, trace, time.time()
        _request_lines.waiting.append(line)  # by itself, so that another thread's `write` cannot come between
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            _request_lines.write()
            return
        if _request_lines.written_by is not loop:
            _request_lines.written_by = loop
            loop.call_soon(_request_lines.write)

    def render(self, seconds: float, trace: Trace, at: float) -> str:
        """The line; `at` is when the request ended, in seconds since 1970."""
        request_id = trace.request_id
        # All that it may consist of is one word, so that it is a telephone number only as a whole.
        if request_id.isdecimal() or "eyJ" in request_id:
            request_id = _SECRET_VALUES.sub("[redacted]", request_id)
        timestamp = f"{_second(int(at))}.{int(at % 1 * 1e6):06}Z"
        return (
            f'{self._start},"ms":{seconds * 1000:.2f},"timestamp":"{timestamp}",'
            f'"request_id":"{request_id}","trace_id":"{trace.traceparent[3:35]}"}}\n'
        )


class _RequestLines:
    """Lines of requests that are written together, when the event loop has done all else of its turn."""

    def __init__(self) -> None:
        self.waiting: list[tuple[RequestLine, float, Trace, float]] = []
        self.written_by: asyncio.AbstractEventLoop | None = None

    def write(self) -> None:
        self.written_by = None
        if self.waiting:
            lines, self.waiting = self.waiting, []
            sys.stdout.write("".join(line.render(s, trace, at) for line, s, trace, at in lines))
            sys.stdout.flush()


_request_lines = _RequestLines()
atexit.register(_request_lines.write)
