"""One supervisor per state folder."""

import os

import pytest

from ava_local.stack import instance_lock


def test_only_one_supervisor_runs_a_stack(layout):
    descriptor = instance_lock.acquire(layout)
    with pytest.raises(instance_lock.AlreadyRunning):
        instance_lock.acquire(layout)
    os.close(descriptor)
    os.close(instance_lock.acquire(layout))
