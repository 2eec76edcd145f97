"""Following a log: whole lines, once, also when the file is replaced."""

from pathlib import Path

import pytest

from ava_local.cli import log_viewer


def test_following_shows_whole_lines_once_and_survives_a_new_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "service.log"
    log.write_text("one\ntw")
    offset = log_viewer.show_new_lines(log, 0)
    log.write_text("one\ntwo\n")
    offset = log_viewer.show_new_lines(log, offset)
    log.write_text("new\n")
    log_viewer.show_new_lines(log, offset)
    assert capsys.readouterr().out.split() == ["service", "one", "service", "two", "service", "new"]
