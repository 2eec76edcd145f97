"""Lines of libraries go through the renderer of our own: the same fields, the same redaction."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from ava_common.log import configure
from ava_common.tracing import current_trace, new_trace


def test_a_line_of_a_library_names_service_and_trace_and_holds_no_secret(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure("Kitchen")
    with new_trace(request="request-1"):
        trace_id = current_trace().traceparent[3:35]
        try:
            raise ValueError("4915112345678 is not a valid number")
        except ValueError:
            logging.getLogger("a.library").error("failed", extra={"phone": "49"}, exc_info=True)
    written = capfd.readouterr().out
    line = json.loads(written)
    named = line["service"], line["request_id"], line["trace_id"], line["level"], line["error"]
    assert named == ("Kitchen", "request-1", trace_id, "error", "ValueError")
    assert line["frames"][-1].startswith("test_log.py:")
    assert "4915112345678" not in written


_LINES_OF_REQUESTS = """
import asyncio, os
from ava_common.log import RequestLine, configure, log
from ava_common.tracing import new_trace

configure("Kitchen")
line, sizes = RequestLine("GET", "/cups", 200), []

def write() -> None:
    line.write(0.001, new_trace().__enter__())
    sizes.append(os.fstat(1).st_size)

async def turns() -> None:
    write(), write()
    await asyncio.sleep(0)
    sizes.append(os.fstat(1).st_size)
    write()
    log.info("a line of another kind")
    sizes.append(os.fstat(1).st_size)
    write()

asyncio.run(turns())
asyncio.run(turns())  # another event loop
write()  # none
log.info("sizes", sizes=sizes)
"""


def test_lines_of_requests_go_out_at_the_end_of_a_turn_and_in_order(tmp_path: Path, processes: None) -> None:
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", _LINES_OF_REQUESTS], stdout=out, env={}, check=True)
    *lines, last = [json.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    assert [line["event"] for line in lines] == [
        *["request"] * 3,
        "a line of another kind",
        "request",
    ] * 2 + ["request"]
    one, two, turned, three, other, four = last["sizes"][:6]
    assert 0 == one == two < turned == three < other == four
    assert last["sizes"][-1] > last["sizes"][-2]
