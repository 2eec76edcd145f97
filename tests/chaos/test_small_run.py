"""A small run of `./ava chaos`: a real house, real processes, each killed once while messages flow."""

import pytest

from ava_local.chaos.options import VICTIMS, Options
from ava_local.chaos.run import play


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_nothing_is_lost_nothing_doubled_and_order_is_kept():
    report = await play(Options(messages=300, people=20, seed=3, rate=40, rounds=1), lambda progress: None)
    assert report.quiet, f"it never came to rest; the house is kept in {report.kept_in}"
    assert report.count.wrong() == {}, f"the house is kept in {report.kept_in}"
    assert report.killed == dict.fromkeys(VICTIMS, 1)
    assert report.count.said == 300
    assert report.count.unresolved_injected > 0
    assert report.ok
