"""Numbers that grew: what was dialled before, and what is dialled now."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_common.numbering_plans import CHANGES, Change


def current(digits: str) -> list[str]:
    return [now for change in CHANGES if (now := change.to_current(digits))]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("551187654321", "5511987654321"),
        ("5215512340099", "525512340099"),
        ("22997123456", "2290197123456"),
        ("22521123456", None),  # Côte d'Ivoire: a landline, whose operator its first digits do not tell
        ("22501123456", "2250101123456"),
        ("22505123456", "2250505123456"),
        ("22507123456", "2250707123456"),
        ("22578123456", "2250778123456"),
        ("22545123456", "2250545123456"),
        ("22542123456", "2250142123456"),
        ("551132345678", None),  # Brazil: a landline
        ("2290197123456", None),
        ("4915112345678", None),
        ("", None),
    ],
)
def test_a_number_from_before_a_change_has_one_current_form(before: str, now: str | None) -> None:
    assert current(before) == ([now] if now else [])


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.before.pattern)
@given(data=st.data())
def test_both_forms_give_each_other_and_end_in_the_same_eight_digits(
    change: Change, data: st.DataObject
) -> None:
    """Eight, because a change of a link finds the contacts of a number by them."""
    before = data.draw(st.from_regex(change.before, fullmatch=True))
    [now] = current(before)
    assert change.now.fullmatch(now)
    assert change.now.sub(change.to_before, now) == before
    assert now[-8:] == before[-8:]
    assert current(now) == []
