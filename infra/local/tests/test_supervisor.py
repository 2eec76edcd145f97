"""The supervisor with real processes: order, restarts, holds, giving up and the stop."""

import os
import signal

import psutil
import pytest

from ava_local import probes
from ava_local.postgres import free_port
from ava_local.process import Process
from ava_local.supervisor import StartFailed

from .conftest import python, web

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"


async def test_what_is_needed_is_ready_before_what_needs_it_starts(little_house):
    house = little_house(web("door", "room"), web("room", "ground"), python("ground", "pass", once=True))
    await house.ready()
    order = [entry for entry in house.said if entry[1] in ("starting", "ready", "done")]
    assert order.index(("ground", "done")) < order.index(("room", "starting"))
    assert order.index(("room", "ready")) < order.index(("door", "starting"))


async def test_what_needs_others_stops_before_them(little_house):
    house = little_house(web("ground"), web("room", "ground"), web("door", "room"))
    await house.ready()
    await house.stop()
    stopped = [name for name, state in house.said if state == "stopped"]
    assert stopped == ["door", "room", "ground"]


async def test_a_killed_process_is_started_again_and_the_others_stay(little_house):
    house = little_house(web("room"), web("neighbour"))
    await house.ready()
    before, neighbour = house.kept("room").pid, house.kept("neighbour").pid
    os.kill(before, signal.SIGKILL)
    await house.until(lambda: house.kept("room").state == "ready" and house.kept("room").pid != before)
    assert house.kept("neighbour").pid == neighbour
    assert ("room", "restarting") in house.said


async def test_a_start_that_fails_says_who_and_repeats_its_last_words(little_house):
    never = probes.tcp(free_port())
    broken = python("broken", "raise SystemExit('my settings are missing')", ready=never)
    house = little_house(web("fine"), broken)
    with pytest.raises(StartFailed) as failure:
        await house.ready()
    assert failure.value.name == "broken"
    assert failure.value.lines[-1] == "my settings are missing"
    assert house.kept("fine").state == "stopped"


async def test_a_step_that_fails_is_not_tried_again(little_house):
    house = little_house(python("step", "raise SystemExit(3)", once=True), web("room", "step"))
    with pytest.raises(StartFailed, match="step ended with 3"):
        await house.ready()
    assert house.kept("step").starts == 1
    assert house.kept("room").starts == 0


async def test_a_program_that_is_not_there_is_named(little_house, tmp_path):
    house = little_house(Process("ghost", [str(tmp_path / "no-such-program")]))
    with pytest.raises(StartFailed, match="ghost cannot be started"):
        await house.ready()


async def test_a_held_process_stays_stopped_until_it_is_released(little_house):
    house = little_house(web("room"))
    await house.ready()
    before = house.kept("room").pid
    (house.holds / "room").touch()
    await house.until(lambda: house.kept("room").state == "held")
    assert not psutil.pid_exists(before)
    (house.holds / "room").unlink()
    await house.until(lambda: house.kept("room").state == "ready")
    assert ("room", "restarting") not in house.said


async def test_a_process_that_keeps_falling_is_given_up_and_the_others_stay(little_house, tmp_path):
    trap = tmp_path / "trap"
    code = f"import os, time\nwhile not os.path.exists({str(trap)!r}): time.sleep(0.01)\nraise SystemExit(1)"
    house = little_house(python("falling", code), web("room"))
    await house.ready()
    trap.touch()
    await house.until(lambda: house.kept("falling").state == "gave up")
    assert house.kept("falling").starts > 2
    assert house.kept("room").state == "ready"


async def test_a_process_deaf_to_the_request_is_killed(little_house, tmp_path):
    house = little_house(python("deaf", DEAF))
    await house.ready()
    await house.until(lambda: "deaf" in (tmp_path / "deaf.log").read_text())
    pid = house.kept("deaf").pid
    await house.stop()
    assert not psutil.pid_exists(pid)


async def test_a_process_sees_only_what_the_table_tells_it(little_house, tmp_path, monkeypatch):
    monkeypatch.setenv("AVA_SOMEBODYS_TOKEN", "hush")
    told = {"GREETING": "hello"}
    house = little_house(python("step", "import os; print(dict(os.environ))", once=True, environment=told))
    await house.ready()
    seen = (tmp_path / "step.log").read_text()
    assert "hello" in seen
    assert "hush" not in seen
