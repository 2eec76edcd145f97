"""Ctrl-C ends a stack that is being prepared, also where Python forgets it."""

import subprocess
import sys
from pathlib import Path

STACK = """
import os, signal, weakref
from pathlib import Path
from ava_local.stack import runner
from ava_local.stack.layout import StackLayout
from ava_local.supervisor.process_spec import ProcessSpec

class Lock:
    pass

def prepare_start(layout, on_warning):
    lock = Lock()
    seen = weakref.ref(lock, lambda _: os.kill(os.getpid(), signal.SIGINT))  # as when a module was imported
    del lock
    return [ProcessSpec("service", ["sleep", "60"])]

runner.prepare_start = prepare_start
runner.run_stack(StackLayout(Path({folder!r}), 8080), print, print, print)
print("it has stopped")
"""


def test_an_interruption_that_python_forgets_ends_the_stack(processes: None, tmp_path: Path) -> None:
    code = STACK.format(folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert "Exception ignored in" in done.stderr
    assert done.stdout.endswith("it has stopped\n")
