"""Debian's Prometheus, and one that watches a real stack while faults are injected into it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from ava_local.devtools import prometheus_programs
from ava_local.ports import free_base_port
from ava_local.stack.control import Stack

from .faults import Faults
from .watching_prometheus import WatchingPrometheus


@pytest.fixture(scope="session")
def prometheus_installed(processes: None) -> None:
    """Fetched if it is missing."""
    try:
        prometheus_programs.install()
    except prometheus_programs.PrometheusNotAvailable as missing:
        pytest.skip(f"NOT TESTED: {missing}")


@pytest.fixture(scope="session")
def watched_stack(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, which asks Meta again every second whether its token works."""
    variables = {"WHATSAPP_GATEWAY_PROBE": "1"}
    stack = Stack(tmp_path_factory.mktemp("watched"), free_base_port(), variables)
    try:
        with stack:
            yield stack
    finally:
        stack.delete_data()


@pytest.fixture(scope="session")
def prometheus(
    prometheus_installed: None, watched_stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WatchingPrometheus]:
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with WatchingPrometheus(watched_stack, folder) as watching:
        yield watching


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def faults(watched_stack: Stack, prometheus: WatchingPrometheus) -> Faults:
    """After a calm start, every fault once; `faults.fired` has what Prometheus said meanwhile."""
    made = Faults(watched_stack, prometheus)
    await made.run()
    return made
