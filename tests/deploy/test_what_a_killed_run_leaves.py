"""A test run that was killed leaves groups and folders; the next one removes them."""

import os
import subprocess

import pytest

from deploy import box, cgroups, machine


@pytest.mark.usefixtures("processes")
def test_what_a_killed_run_left_is_removed() -> None:
    machine.require()
    ended = subprocess.Popen(["true"])
    ended.wait()
    name = f"ava-left-{ended.pid}"
    groups = cgroups.create(name)
    folders = [folder / name for folder in box.where_boxes_are()]
    for folder in folders:
        (folder / "shared").mkdir(parents=True)
    box.remove_what_killed_runs_left()
    assert [path for path in (*groups, *folders) if path.exists()] == []


@pytest.mark.usefixtures("processes")
def test_what_a_running_one_uses_stays() -> None:
    machine.require()
    groups = cgroups.create(f"ava-own-{os.getpid()}")
    try:
        box.remove_what_killed_runs_left()
        assert all(group.exists() for group in groups)
    finally:
        cgroups.remove(groups)
