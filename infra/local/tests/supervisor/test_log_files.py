"""Log files are rotated, and their last lines readable."""

from pathlib import Path

from ava_local.supervisor.log_files import last_lines, rotate


def test_the_end_of_a_log_is_readable_whatever_bytes_are_in_it(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_bytes(b"first\n" + b"\xff\xfe\n" * 3 + b"last\n")
    assert last_lines(log, 2)[-1] == "last"
    assert last_lines(tmp_path / "none.log") == []
    assert last_lines(log, since=log.stat().st_size - 5) == ["last"]


def test_a_long_log_is_rotated_and_a_short_one_is_not(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text("short")
    rotate(log)
    assert log.exists()
    with log.open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "service.log.1").exists()
