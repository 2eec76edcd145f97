"""What a process says it waits for is told once, and one that refuses to start is not started again."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ava_local.ports import free_port
from ava_local.supervisor import readiness_probes
from ava_local.supervisor.process_spec import ProcessSpec
from ava_local.supervisor.supervisor import StartFailed
from ava_local.testing.waiting import eventually

from .conftest import RecordedSupervisor, python

WAITS = """
import http.server, json, pathlib, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        waits = not pathlib.Path(sys.argv[2]).exists()
        found = {"errors": [{"pointer": "database", "detail": "is away"}]} if waits else {"status": "ready"}
        body = json.dumps(found).encode()
        self.send_response(503 if waits else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


async def test_what_is_waited_for_is_told_once_and_then_it_is_ready(
    run_supervisor: Callable[..., RecordedSupervisor], tmp_path: Path
) -> None:
    port, sign = free_port(), tmp_path / "sign"
    command = [sys.executable, "-c", WAITS, str(port), str(sign)]
    ready = readiness_probes.http(port, "/readyz")
    supervisor = run_supervisor(ProcessSpec("service", command, port=port, ready=ready))
    process = supervisor.process("service")
    await eventually(lambda: process.words == "database: is away")
    told = len(supervisor.state_changes)
    assert (await ready()).words == "database: is away"
    sign.touch()
    await supervisor.ready()
    assert process.words == ""
    assert (process.starts, len(supervisor.state_changes)) == (1, told + 1)


async def test_one_that_refuses_to_start_is_not_started_again(
    run_supervisor: Callable[..., RecordedSupervisor],
) -> None:
    refuses = python(
        "service", "raise SystemExit(78)", ready=readiness_probes.tcp(free_port()), refusals=(78,)
    )
    supervisor = run_supervisor(refuses)
    with pytest.raises(StartFailed, match="service exited with code 78"):
        await supervisor.ready()
    assert supervisor.process("service").starts == 1
