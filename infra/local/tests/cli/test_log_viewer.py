"""Following a log: whole lines, once, also when the file is replaced."""

from ava_local.cli import log_viewer


def test_following_shows_whole_lines_once_and_survives_a_new_file(tmp_path, capsys):
    log = tmp_path / "room.log"
    log.write_text("one\ntw")
    place = log_viewer.show_new_lines(log, 0)
    log.write_text("one\ntwo\n")
    place = log_viewer.show_new_lines(log, place)
    log.write_text("new\n")
    log_viewer.show_new_lines(log, place)
    assert capsys.readouterr().out.split() == ["room", "one", "room", "two", "room", "new"]
