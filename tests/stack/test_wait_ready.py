"""What a unit waits with until its service is ready: infra/systemd/wait-ready.py."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from ava_local.ports import free_port
from ava_local.repository import ROOT

pytestmark = pytest.mark.usefixtures("processes")
PROGRAM = ROOT / "infra/systemd/wait-ready.py"


class Ready(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


class NotReady(Ready):
    status = 503


@contextmanager
def waiting(port: int, main_process: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(PROGRAM), f"http://127.0.0.1:{port}/readyz"]
    environment = {**os.environ, "MAINPID": str(main_process)}
    child = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def a_process_that_is_gone() -> int:
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


def test_a_service_that_is_still_hidden_is_waited_for() -> None:
    """Until it has become the service's own user, ProtectProc= hides it from what waits for it."""
    port = free_port()
    with waiting(port, a_process_that_is_gone()) as child:
        time.sleep(1)
        assert child.poll() is None
        with HTTPServer(("127.0.0.1", port), Ready) as server:
            Thread(target=server.handle_request).start()
            assert child.wait(10) == 0


def test_a_service_that_never_comes_is_not_waited_for_long() -> None:
    with waiting(free_port(), a_process_that_is_gone()) as child:
        _, said = child.communicate(timeout=15)
    assert (child.returncode, said.strip()) == (1, "the service has ended")


def test_a_service_that_ends_is_noticed_at_once() -> None:
    """At once: not only after the five seconds in which it may be hidden."""
    service, port = subprocess.Popen(["sleep", "600"]), free_port()
    with waiting(port, service.pid) as child:
        with HTTPServer(("127.0.0.1", port), NotReady) as server:
            for _ in range(2):  # between the two it has seen the service
                server.handle_request()
        service.kill()
        service.wait()
        began = time.monotonic()
        _, said = child.communicate(timeout=15)
    assert (child.returncode, said.strip()) == (1, "the service has ended")
    assert time.monotonic() - began < 3
