"""The small parts behind the commands: logs side by side, checks, the suite, locks, numbers."""

import re

import pytest

from ava_local import checks, follow, locks, suite
from ava_local.patience import Patience
from ava_local.places import ROOT
from ava_local.process import last_lines, rotate
from ava_local.telephone import number_from
from ava_local.trouble import NotANumber


@pytest.mark.parametrize(
    "typed", ["+49 1511 2345678", "4915112345678", "+49 (1511) 234-5678", "+49.1511.2345678"]
)
def test_a_number_may_be_typed_in_any_usual_spelling(typed):
    assert number_from(typed) == "+4915112345678"


@pytest.mark.parametrize("typed", ["", "hello", "123", "+0123456789", "12345678901234567"])
def test_what_is_no_number_is_said_so(typed):
    with pytest.raises(NotANumber, match="no phone number"):
        number_from(typed)


def test_following_shows_whole_lines_once_and_survives_a_new_file(tmp_path, capsys):
    log = tmp_path / "room.log"
    log.write_text("one\ntw")
    place = follow.show_new(log, 0)
    log.write_text("one\ntwo\n")
    place = follow.show_new(log, place)
    log.write_text("new\n")
    follow.show_new(log, place)
    assert capsys.readouterr().out.split() == ["room", "one", "room", "two", "room", "new"]


def test_the_end_of_a_log_is_readable_whatever_bytes_are_in_it(tmp_path):
    log = tmp_path / "room.log"
    log.write_bytes(b"first\n" + b"\xff\xfe\n" * 3 + b"last\n")
    assert last_lines(log, 2)[-1] == "last"
    assert last_lines(tmp_path / "none.log") == []


def test_a_long_log_is_put_aside_and_a_short_one_is_not(tmp_path):
    log = tmp_path / "room.log"
    log.write_text("short")
    rotate(log)
    assert log.exists()
    with log.open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "room.log.1").exists()


def test_patience_grows_and_has_an_end():
    patience = Patience(first_pause=0.1, longest_pause=1)
    pauses = [patience.pause_after(failures) for failures in range(1, 8)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.1, 1)


def test_the_checks_look_at_everything_there_is_to_look_at():
    watched = {word for check in checks.all_checks() for word in check.command}
    assert {"ava", ".ci/run", "infra/caddy/Caddyfile"} <= watched
    assert {str(file.relative_to(ROOT)) for file in ROOT.glob("supabase/migrations/*.sql")} <= watched


def test_a_check_that_fails_is_told_with_its_words():
    outcome = checks.perform(
        checks.Check("python", ("python", "-c", "print('because'); raise SystemExit(1)"))
    )
    assert (outcome.fine, outcome.output) == (False, "because")


def test_a_path_given_to_the_tests_replaces_all_of_them():
    assert suite.chosen(["-k", "word", "tests/house/test_life.py::test_x", "-x"]) == [
        "tests/house/test_life.py::test_x"
    ]
    assert suite.chosen(["-x", "--lf"]) == []


def test_locks_pin_every_package_by_hash_and_name_no_host():
    targets = [target for target, _ in locks.commands(upgrade=False)]
    assert "services/auth/requirements.lock" in targets
    for target in [*targets, "infra/local/bootstrap.lock"]:
        text = (ROOT / target).read_text()
        assert "://" not in text
        packages = re.findall(r"^[a-z0-9][^\n]*(?:\n    [^\n]*)*", text, re.MULTILINE)
        assert packages
        assert [
            package for package in packages if "==" not in package or "--hash=sha256:" not in package
        ] == []


def test_a_room_is_locked_to_the_versions_the_workshop_was_tested_with():
    def pins(target: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / target).read_text(), re.MULTILINE))

    for target, _ in locks.commands(upgrade=False):
        assert pins(target) <= pins("requirements.lock"), target
