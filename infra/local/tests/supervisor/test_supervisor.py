"""The supervisor with real processes: order, restarts, disabling, failing and stopping."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ava_local.ports import free_port
from ava_local.supervisor import readiness_probes
from ava_local.supervisor.process_spec import ProcessSpec
from ava_local.supervisor.supervisor import StartFailed
from ava_local.testing.waiting import eventually

from .conftest import RecordedSupervisor, python, web

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"


async def test_what_is_needed_is_ready_before_what_needs_it_starts(
    run_supervisor: Callable[..., RecordedSupervisor],
) -> None:
    supervisor = run_supervisor(
        web("edge", "service"), web("service", "database"), python("database", "pass", is_one_shot=True)
    )
    await supervisor.ready()
    order = [entry for entry in supervisor.state_changes if entry[1] in ("starting", "ready", "done")]
    assert order.index(("database", "done")) < order.index(("service", "starting"))
    assert order.index(("service", "ready")) < order.index(("edge", "starting"))


async def test_what_needs_others_stops_before_them(run_supervisor: Callable[..., RecordedSupervisor]) -> None:
    supervisor = run_supervisor(web("database"), web("service", "database"), web("edge", "service"))
    await supervisor.ready()
    await supervisor.stop()
    stopped = [name for name, state in supervisor.state_changes if state == "stopped"]
    assert stopped == ["edge", "service", "database"]


async def test_a_killed_process_is_started_again_and_the_others_stay(
    run_supervisor: Callable[..., RecordedSupervisor],
) -> None:
    supervisor = run_supervisor(web("service"), web("other"))
    await supervisor.ready()
    before, other = supervisor.pid("service"), supervisor.pid("other")
    os.kill(before, signal.SIGKILL)
    await eventually(
        lambda: supervisor.process("service").state == "ready" and supervisor.process("service").pid != before
    )
    assert supervisor.process("other").pid == other
    assert ("service", "restarting") in supervisor.state_changes


async def test_a_failed_start_names_the_process_and_its_last_lines(
    run_supervisor: Callable[..., RecordedSupervisor],
) -> None:
    never = readiness_probes.tcp(free_port())
    broken = python("broken", "raise SystemExit('my settings are missing')", ready=never)
    supervisor = run_supervisor(web("fine"), broken)
    with pytest.raises(StartFailed) as failure:
        await supervisor.ready()
    assert failure.value.name == "broken"
    assert failure.value.lines[-1] == "my settings are missing"
    assert supervisor.process("fine").state == "stopped"


async def test_a_step_that_fails_is_not_tried_again(
    run_supervisor: Callable[..., RecordedSupervisor],
) -> None:
    supervisor = run_supervisor(
        python("step", "raise SystemExit(3)", is_one_shot=True), web("service", "step")
    )
    with pytest.raises(StartFailed, match="step exited with code 3"):
        await supervisor.ready()
    assert supervisor.process("step").starts == 1
    assert supervisor.process("service").starts == 0


async def test_a_missing_program_is_named(
    run_supervisor: Callable[..., RecordedSupervisor], tmp_path: Path
) -> None:
    supervisor = run_supervisor(ProcessSpec("ghost", [str(tmp_path / "no-such-program")]))
    with pytest.raises(StartFailed, match="ghost could not be started"):
        await supervisor.ready()


async def test_a_disabled_process_stays_stopped_until_it_is_enabled(
    run_supervisor: Callable[..., RecordedSupervisor],
) -> None:
    supervisor = run_supervisor(web("service"))
    await supervisor.ready()
    before = supervisor.pid("service")
    (supervisor.disabled_dir / "service").touch()
    await eventually(lambda: supervisor.process("service").state == "disabled")
    assert not psutil.pid_exists(before)
    (supervisor.disabled_dir / "service").unlink()
    await eventually(lambda: supervisor.process("service").state == "ready")
    assert ("service", "restarting") not in supervisor.state_changes


async def test_a_process_that_keeps_crashing_fails_and_the_others_stay(
    run_supervisor: Callable[..., RecordedSupervisor], tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    code = f"import os, time\nwhile not os.path.exists({str(trap)!r}): time.sleep(0.01)\nraise SystemExit(1)"
    supervisor = run_supervisor(python("crashing", code), web("service"))
    await supervisor.ready()
    trap.touch()
    await eventually(lambda: supervisor.process("crashing").state == "failed")
    assert supervisor.process("crashing").starts > 2
    assert supervisor.process("service").state == "ready"


async def test_a_process_that_ignores_the_stop_signal_is_killed(
    run_supervisor: Callable[..., RecordedSupervisor], tmp_path: Path
) -> None:
    supervisor = run_supervisor(python("deaf", DEAF))
    await supervisor.ready()
    await eventually(lambda: "deaf" in (tmp_path / "deaf.log").read_text())
    pid = supervisor.pid("deaf")
    await supervisor.stop()
    assert not psutil.pid_exists(pid)


async def test_a_process_sees_only_the_variables_in_its_spec(
    run_supervisor: Callable[..., RecordedSupervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVA_SOME_TOKEN", "hush")
    variables = {"GREETING": "hello"}
    supervisor = run_supervisor(
        python("step", "import os; print(dict(os.environ))", is_one_shot=True, environment=variables)
    )
    await supervisor.ready()
    seen = (tmp_path / "step.log").read_text()
    assert "hello" in seen
    assert "hush" not in seen
