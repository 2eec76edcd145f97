"""Random walks over links, codes, moves and messages: nobody reads what another person said."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ava_local.testing.databases import Database

from .conftest import Gateway
from .fake_peers import FakePeers
from .ownership_walk import Walk

Steps = list[tuple[Any, ...]]
_PHONES, _USERS, _HOW = st.integers(0, 2), st.integers(0, 2), st.sampled_from(["number", "both", "id"])
_PLACES = st.tuples(st.sampled_from(["before", "after"]), st.sampled_from(["avatar", "messages", "graph"]))
_SAY = st.tuples(st.just("say"), _PHONES, _HOW)
_STEPS = st.one_of(
    _SAY,
    _SAY,
    _SAY,
    st.tuples(st.just("link"), _USERS, _PHONES),
    st.tuples(st.just("unlink"), _USERS),
    st.tuples(st.just("prove"), _USERS, _PHONES, _HOW),
    st.tuples(
        st.just("move"),
        _PHONES,
        st.booleans(),
        st.sampled_from(["notice first", "message first", "together"]),
    ),
    st.tuples(st.just("age"), _PHONES),
    st.tuples(st.just("delete"), _USERS),
    st.tuples(st.just("work"), st.integers(0, 1)),
    st.tuples(st.just("stop"), st.integers(0, 1), _USERS, _PLACES),
    st.tuples(st.just("kill"), st.integers(0, 1), st.integers(0, 60)),
)


@pytest_asyncio.fixture(loop_scope="session", params=["code", "off"])
async def gateways_by_mode(
    gateways: Callable[..., Awaitable[Gateway]], request: pytest.FixtureRequest
) -> tuple[bool, list[Gateway]]:
    """Two that lose their leases soon, and one that waits; whether a code is asked for."""
    usual = {"attempts": 50, "link_confirmation": request.param}
    quick = usual | {"lease_seconds": 0.3}
    return request.param == "code", [
        await gateways(**quick),
        await gateways(**quick),
        await gateways(**usual),
    ]


@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(steps=[("move", 0, True, "message first")])
@example(steps=[("move", 0, False, "message first")])
@example(steps=[("prove", 2, 2, "id"), ("say", 2, "both"), ("move", 2, False, "together")])
@example(steps=[("prove", 2, 2, "id"), ("prove", 1, 2, "both"), ("say", 2, "id"), ("say", 2, "number")])
@example(steps=[("say", 2, "id"), ("age", 2), ("link", 2, 2), ("say", 2, "both")])
@example(steps=[("say", 0, "both"), ("stop", 0, 0, ("after", "messages"))])
@example(steps=[("say", 1, "number"), ("stop", 1, 1, ("before", "graph")), ("say", 1, "id")])
@given(steps=st.lists(_STEPS, min_size=4, max_size=14))
async def test_nobody_reads_what_another_persons_phone_said(
    gateways_by_mode: tuple[bool, list[Gateway]], peers: FakePeers, database: Database, steps: Steps
) -> None:
    by_code, gateways = gateways_by_mode
    walk = Walk(gateways, peers, database, by_code=by_code)
    await walk.start()
    for name, *arguments in steps:
        await getattr(walk, name)(*arguments)
    await walk.check()
