"""Cursors survive the way to the client and back, and nothing else is accepted as one."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from ava_messaging.cursor import Position, decode

MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.uuids())
def test_a_cursor_decodes_to_the_position_it_encodes(moment: datetime, id: UUID) -> None:
    position = Position(moment, id)
    assert decode(position.encode()) == position


@given(st.one_of(st.text(), st.text("ABCxyz019-_", min_size=34, max_size=34), st.integers(), st.none()))
def test_nothing_but_a_cursor_is_accepted_as_one(cursor: object) -> None:
    try:
        position = decode(cursor)
    except PydanticCustomError:
        return
    assert position.encode() == cursor


def test_a_cursor_of_another_version_is_refused() -> None:
    cursor = Position(datetime.now(UTC), UUID(int=1)).encode()
    with pytest.raises(PydanticCustomError):
        decode("B" + cursor[1:])
