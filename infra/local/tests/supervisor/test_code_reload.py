"""`./ava up --reload`: a change of its code restarts a process, also one that a mistake had stopped."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from ava_local.stack import code_reload
from ava_local.testing.waiting import eventually

from .conftest import RecordedSupervisor, python, web

SERVE = "import runpy; runpy.run_path({file!r})"


async def test_a_change_of_its_code_restarts_a_process_and_no_other(
    run_supervisor: Callable[..., RecordedSupervisor], tmp_path: Path
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "service.py").write_text("import time\ntime.sleep(600)\n")
    running = python("service", SERVE.format(file=str(code / "service.py")))
    supervisor = run_supervisor(running, web("other"))
    await supervisor.ready()
    first, other = supervisor.pid("service"), supervisor.pid("other")
    watching = asyncio.create_task(
        code_reload.restart_on_change(supervisor.disabled_dir, supervisor.supervisor, {"service": (code,)})
    )
    try:
        await asyncio.sleep(code_reload.POLL_SECONDS)  # it has looked once, which nothing shows
        (code / "notes.txt").write_text("no code")
        (code / "service.py").write_text("raise SystemExit('a mistake')\n")
        await eventually(lambda: ("service", "failed") in supervisor.state_changes)
        (code / "service.py").write_text("import time\ntime.sleep(601)\n")
        await eventually(
            lambda: (
                supervisor.process("service").state == "ready"
                and supervisor.process("service").pid not in (None, first)
                and supervisor.state_changes[-1] == ("service", "ready")
            )
        )
    finally:
        watching.cancel()
    assert supervisor.pid("other") == other
    assert list(supervisor.disabled_dir.iterdir()) == []
