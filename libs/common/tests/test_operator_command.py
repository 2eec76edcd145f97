"""An operator's command in a terminal: tables, the name it is called by, a reader that stops early."""

import subprocess
import sys

import pytest

from ava_common.operator_command import BROKEN_PIPE, table

NAMED = "from ava_common.operator_command import program_name; print(program_name('python -m it'))"
LONG = """
import sys
from ava_common.operator_command import run
def main():
    for _ in range(100_000):
        print("a line")
    return 0
sys.exit(run(main))
"""

LOGS = """
import sys
from ava_common.log import log
from ava_common.operator_command import run
def main():
    log.warning("database.not_ready")
    log.error("worse")
    print("{}")
    return 0
sys.exit(run(main))
"""


def test_columns_are_as_wide_as_needed_and_lines_end_without_spaces() -> None:
    rows = [("1", "dead", "long reason"), ("12345", "done", "")]
    assert table(("id", "state", "reason"), rows) == (
        "id     state  reason\n1      dead   long reason\n12345  done"
    )


@pytest.mark.usefixtures("processes")
def test_a_reader_that_has_enough_is_no_error() -> None:
    command = subprocess.Popen(
        [sys.executable, "-c", LONG], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout
    assert command.stderr
    assert command.stdout.readline() == "a line\n"
    command.stdout.close()
    assert command.stderr.read() == ""
    assert command.wait(60) == BROKEN_PIPE


@pytest.mark.usefixtures("processes")
def test_what_is_logged_does_not_stand_between_what_a_program_reads() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGS], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "{}\n"
    assert ("worse" in done.stderr, "database.not_ready" in done.stderr) == (True, False)


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(("given", "name"), [("./ava gateway", "./ava gateway"), ("", "python -m it")])
def test_a_wrapper_says_what_the_program_is_called(given: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NAMED],
        env={"AVA_PROGRAM": given},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == f"{name}\n"
