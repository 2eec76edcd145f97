"""One supervisor per state folder."""

import os

import pytest

from ava_local.stack import instance_lock
from ava_local.stack.layout import StackLayout


def test_only_one_supervisor_runs_a_stack(layout: StackLayout) -> None:
    descriptor = instance_lock.acquire(layout)
    with pytest.raises(instance_lock.AlreadyRunning):
        instance_lock.acquire(layout)
    os.close(descriptor)
    os.close(instance_lock.acquire(layout))
