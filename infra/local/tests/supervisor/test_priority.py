"""What stands for another machine takes the CPU only while the others do not want it."""

import os
from collections.abc import Callable
from pathlib import Path

from ava_local.supervisor.process_spec import AUTOGROUP

from .conftest import RecordedSupervisor, python


async def test_a_process_that_gives_way_does_so_with_its_whole_session(
    run_supervisor: Callable[..., RecordedSupervisor], tmp_path: Path
) -> None:
    told = tmp_path / "told"
    code = f"""
import os, pathlib
group = pathlib.Path({str(AUTOGROUP)!r})
pathlib.Path({str(told)!r}).write_text(f"{{os.nice(0)}} {{group.read_text() if group.exists() else ''}}")
"""
    before = AUTOGROUP.read_text() if AUTOGROUP.exists() else ""
    supervisor = run_supervisor(python("step", code, is_one_shot=True, niceness=7))
    await supervisor.ready()
    niceness, _, group = told.read_text().partition(" ")
    assert int(niceness) == os.nice(0) + 7
    assert group == "" or group.strip().endswith("nice 7")
    assert before == (AUTOGROUP.read_text() if AUTOGROUP.exists() else "")
