"""What the operator commands accept as a time and as a number of rows."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

import pytest

from ava_common.argument_types import limit, point_in_time


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_time_ago(text: str, ago: timedelta) -> None:
    before = datetime.now(UTC) - ago
    assert before <= point_in_time(text) <= datetime.now(UTC) - ago


def test_a_time_without_a_zone_is_utc() -> None:
    assert point_in_time("2026-11-22T14:00") == datetime(2026, 11, 22, 14, tzinfo=UTC)
    assert point_in_time("2026-11-22T14:00+01:00") == datetime(2026, 11, 22, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "7", "7w", "-7d", "²d", "999999d", "99999999d", "2026-13-01"]
)
def test_another_text_is_refused_as_a_time(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="use 30m, 12h or 7d"):
        point_in_time(text)


@pytest.mark.parametrize("text", ["1", "100", "20000"])
def test_a_limit(text: str) -> None:
    assert limit(text) == int(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "²", "ten", "9" * 40])
def test_another_text_is_refused_as_a_limit(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="at least 1"):
        limit(text)
