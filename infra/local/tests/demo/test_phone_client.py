"""Phone numbers as people type them, and waiting longer than the simulator waits."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from ava_local.demo.phone_client import (
    LONGEST_REQUEST_SECONDS,
    InvalidPhoneNumber,
    PhoneClient,
    parse_phone_number,
)


@pytest.mark.parametrize(
    "typed", ["+49 1511 2345678", "4915112345678", "+49 (1511) 234-5678", "+49.1511.2345678"]
)
def test_a_number_may_be_typed_in_any_usual_spelling(typed: str) -> None:
    assert parse_phone_number(typed) == "+4915112345678"


@pytest.mark.parametrize("typed", ["", "hello", "123", "+0123456789", "12345678901234567"])
def test_an_invalid_number_is_reported(typed: str) -> None:
    with pytest.raises(InvalidPhoneNumber, match="not a valid phone number"):
        parse_phone_number(typed)


class Simulator(BaseHTTPRequestHandler):
    """Answers at once, and has a reply only when it is asked for the third time."""

    waits: list[float]

    def do_GET(self) -> None:
        self.waits.append(float(parse_qs(urlsplit(self.path).query)["wait"][0]))
        messages = [{"text": "late"}] if len(self.waits) == 3 else []
        body = json.dumps({"messages": messages, "last": len(messages)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Not logged."""


@pytest.fixture
def simulator() -> Iterator[str]:
    Simulator.waits = []
    server = HTTPServer(("127.0.0.1", 0), Simulator)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_long_wait_is_asked_for_in_parts(simulator: str) -> None:
    assert PhoneClient(simulator, "+4915112345678").receive(90) == ["late"]
    assert Simulator.waits == [LONGEST_REQUEST_SECONDS] * 3


def test_a_short_wait_is_asked_for_once(simulator: str) -> None:
    assert PhoneClient(simulator, "+4915112345678").receive(0.5) == []
    assert len(Simulator.waits) == 1
    assert Simulator.waits[0] <= 0.5
