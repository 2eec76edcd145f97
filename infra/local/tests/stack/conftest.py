"""A state folder, and the status a supervisor would have left in it."""

import sys
from pathlib import Path

import pytest

from ava_local.ports import free_port
from ava_local.stack import status_file
from ava_local.stack.layout import StackLayout
from ava_local.supervisor.process_spec import ProcessSpec
from ava_local.supervisor.process_state import SupervisedProcess

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def layout(tmp_path: Path) -> StackLayout:
    made = StackLayout(tmp_path, free_port())
    made.create_folders()
    return made


def write_status(layout: StackLayout, pid: int) -> None:
    """As a supervisor with one process would have written it."""
    process = SupervisedProcess(ProcessSpec("service", SLEEP), layout.logs_dir)
    process.pid = pid
    status_file.write(layout, [process])
