"""National spellings of a WhatsApp number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.contacts.owners import number_variants


@pytest.mark.parametrize(
    ("digits", "others"),
    [
        ("5511987654321", ("551187654321",)),
        ("551187654321", ("5511987654321",)),
        ("551132345678", ()),  # a Brazilian landline never gets a ninth digit
        ("5215512345678", ("525512345678",)),
        ("525512345678", ("5215512345678",)),
        ("5491123456789", ("541123456789",)),
        ("541123456789", ("5491123456789",)),
        ("22997123456", ("2290197123456",)),
        ("2290197123456", ("22997123456",)),
        ("22507123456", ("2250707123456",)),
        ("2250545123456", ("22545123456",)),
        ("2250712345678", ()),  # Côte d'Ivoire: 12 was never Orange's, so this number is new
        ("4915112345678", ()),
        ("", ()),
    ],
)
def test_national_spellings(digits: str, others: tuple[str, ...]) -> None:
    assert number_variants(digits) == [*filter(None, [digits]), *others]


@given(st.from_regex(r"(52|54|55|225|229)?[0-9]{3,13}", fullmatch=True))
def test_spellings_point_back_to_each_other(digits: str) -> None:
    for other in number_variants(digits)[1:]:
        assert other != digits
        assert digits in number_variants(other)


def test_exact_numbers_come_before_guesses_and_none_twice() -> None:
    both = number_variants("551187654321", "5511987654321", None)
    assert both == ["551187654321", "5511987654321"]
    assert number_variants("541123456789", "4915112345678") == [
        "541123456789",
        "4915112345678",
        "5491123456789",
    ]
