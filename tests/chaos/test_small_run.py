"""A small run of `./ava chaos`: real processes, each killed once, and every outage, while messages flow."""

import pytest

from chaos.options import OUTAGES, TARGETS, Options
from chaos.run import run_async

pytestmark = pytest.mark.usefixtures("processes")


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_nothing_is_lost_nothing_duplicated_and_order_is_kept() -> None:
    report = await run_async(
        Options(messages=300, users=20, seed=3, rate=40, rounds=1, link_changes=6, graph_away_seconds=10),
        lambda progress: None,
    )
    assert report.finished, f"it did not finish; the stack is kept in {report.state_dir}"
    assert report.counts.violations() == {}, f"the stack is kept in {report.state_dir}"
    assert report.killed == dict.fromkeys((*TARGETS, *OUTAGES), 1)
    assert report.counts.sent == 300
    assert report.counts.unresolved_injected > 0
    assert report.refused_changes > 0
    assert report.ok
