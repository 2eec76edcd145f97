"""The status file counts only while the supervisor that wrote it is alive."""

import os

import pytest

from ava_local.stack import status_file
from ava_local.stack.layout import StackLayout

from .conftest import write_status


def test_a_status_whose_supervisor_is_gone_describes_a_stack_that_is_not_running(layout: StackLayout) -> None:
    write_status(layout, os.getpid())
    assert status_file.read_current(layout) is not None
    layout.status_file.write_text(
        layout.status_file.read_text().replace(f'"pid": {os.getpid()}', '"pid": 999999999', 1)
    )
    assert status_file.read_current(layout) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_torn_status_is_no_status(layout: StackLayout, text: str) -> None:
    layout.status_file.write_text(text)
    assert status_file.read_current(layout) is None
