"""Following a log: whole lines, once, also when the file is replaced."""

import json
import os
import re
from pathlib import Path

import pytest

from ava_local.cli import log_viewer


def test_following_shows_whole_lines_once_and_survives_a_new_file(
    tmp_path: Path,
) -> None:
    log, seen = tmp_path / "service.log", []
    offset = 0
    for content in ("one\ntw", "one\ntwo\n", "one\ntwo\n", "new\n"):
        log.write_text(content)
        offset, lines = log_viewer.new_lines(log, offset)
        seen += [line.text for line in lines]
    assert seen == ["one", "two", "new"]


SERVICE = (
    '{"event":"request","level":"info","method":"GET","status":200,"timestamp":"2026-11-26T05:40:02.5Z",'
    '"service":"auth","trace_id":"a","request_id":"r1"}\n'
    '{"event":"request.failed","level":"error","exception":"Traceback\\n  ValueError",'
    '"timestamp":"2026-11-26T05:40:04Z"}\n'
)
CADDY = (
    '{"level":"info","ts":1795671603.25,"msg":"handled request","duration":0.0123,"status":404,"reason":"",'
    '"request":{"method":"GET","uri":"/x","remote_ip":"127.0.0.1"},"request_id":"r2","user_id":""}\n'
)
POSTGRES = "2026-11-26 05:40:01.000 UTC [12] LOG:  started\n\tand more of it\n"


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Three logs as three kinds of programs write them; their times interleave."""
    for name, text in (("auth", SERVICE), ("caddy", CADDY), ("postgres", POSTGRES)):
        (tmp_path / f"{name}.log").write_text(text)
    os.utime(tmp_path / "postgres.log", (1795671601.0, 1795671601.0))
    return sorted(tmp_path.glob("*.log"))


def test_logs_are_merged_by_time_and_readable(logs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    log_viewer.show_last_lines(logs, 20)
    lines = capsys.readouterr().out.splitlines()
    assert [line[13:].split(maxsplit=1) for line in lines[:4]] == [
        ["postgres", "LOG:  started"],
        ["postgres", "and more of it"],
        ["auth", "request method=GET status=200 request_id=r1"],
        ["caddy", "request method=GET path=/x status=404 ms=12.3 request_id=r2"],
    ]
    assert lines[4][13:].split(maxsplit=1) == ["auth", "ERROR request.failed"]
    assert lines[5:] == ["Traceback", "  ValueError"]
    assert re.fullmatch(r"\d\d:\d\d:02\.500", lines[2][:12])


def test_logs_as_json_are_one_object_a_line(logs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    log_viewer.show_last_lines(logs, 1, as_json=True)
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["process"] for record in records] == ["postgres", "caddy", "auth"]
    assert (records[0]["line"], records[1]["msg"]) == ("\tand more of it", "handled request")


def test_a_log_whose_first_lines_have_no_time_is_merged_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the stand-ins write: uvicorn's lines have no time, and theirs have a number."""
    simulator = tmp_path / "simulator.log"
    simulator.write_text('INFO:     Started\n{"event": "delivery", "at": 1795671602.75, "answer": "200"}\n')
    (tmp_path / "auth.log").write_text(SERVICE)
    untimed = tmp_path / "setup.log"
    untimed.write_text("migrations applied: none\n")
    os.utime(untimed, (1795671601.0, 1795671601.0))
    log_viewer.show_last_lines(sorted(tmp_path.glob("*.log")), 20)
    lines = capsys.readouterr().out.splitlines()
    assert [line[13:].split(maxsplit=1) for line in lines[:4]] == [
        ["setup", "migrations applied: none"],
        ["auth", "request method=GET status=200 request_id=r1"],
        ["simulator", "INFO:     Started"],
        ["simulator", "delivery answer=200"],
    ]
    assert all(line[:12].strip() for line in lines[:4])
