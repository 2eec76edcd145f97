"""Traces are carried in context variables, one for each task, and continue a valid `traceparent` only."""

import asyncio
import os
import re

import pytest

from ava_common.tracing import current_trace, new_trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{SPAN}-01"
IGNORED = {
    "none": "",
    "garbage": "garbage",
    "a later version": f"01-{TRACE}-{SPAN}-01",
    "a later version with more fields": f"01-{TRACE}-{SPAN}-01-more",
    "the version that is forbidden": f"ff-{TRACE}-{SPAN}-01",
    "version 00 with more fields": f"{VALID}-more",
    "upper case": VALID.upper(),
    "blanks around it": f" {VALID} ",
    "a line break after it": f"{VALID}\n",
    "two in one": f"{VALID},{VALID}",
    "a short trace id": f"00-{TRACE[1:]}-{SPAN}-01",
    "no flags": VALID[:-3],
    "too long": VALID * 20,
}


async def test_two_traces_at_once_do_not_mix() -> None:
    async def step(name: str) -> bool:
        with new_trace(request=name):
            mine = current_trace().traceparent
            await asyncio.sleep(0.001)
            return current_trace().traceparent == mine

    assert all(await asyncio.gather(*(step(f"r-{number}") for number in range(20))))


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_trace_is_continued_with_a_new_span_and_the_same_flags(flags: str) -> None:
    with new_trace(f"00-{TRACE}-{SPAN}-{flags}"):
        version, trace, span, sent = current_trace().traceparent.split("-")
    assert (version, trace, sent) == ("00", TRACE, flags)
    assert re.fullmatch("[0-9a-f]{16}", span)
    assert span != SPAN


@pytest.mark.parametrize("parent", IGNORED.values(), ids=IGNORED)
def test_anything_but_version_00_starts_a_new_trace(parent: str) -> None:
    with new_trace(parent):
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", current_trace().traceparent)
        assert TRACE not in current_trace().traceparent


def test_outside_a_trace_there_is_none() -> None:
    with new_trace(VALID, "r-1"):
        assert current_trace().request_id == "r-1"
    assert current_trace() == ("", "none")


def test_a_forked_process_draws_other_ids(processes: None) -> None:
    read, write = os.pipe()
    if not (child := os.fork()):
        os.write(write, new_trace().__enter__().traceparent.encode())
        os._exit(0)
    os.waitpid(child, 0)
    with new_trace() as mine:
        assert os.read(read, 100).decode() != mine.traceparent
    os.close(read)
    os.close(write)
