"""Lines of libraries go through the renderer of our own: the same fields, the same redaction."""

import json
import logging

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
