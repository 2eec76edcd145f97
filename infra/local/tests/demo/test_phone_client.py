"""Phone numbers as people type them."""

import pytest

from ava_local.demo.phone_client import InvalidPhoneNumber, parse_phone_number


@pytest.mark.parametrize(
    "typed", ["+49 1511 2345678", "4915112345678", "+49 (1511) 234-5678", "+49.1511.2345678"]
)
def test_a_number_may_be_typed_in_any_usual_spelling(typed: str) -> None:
    assert parse_phone_number(typed) == "+4915112345678"


@pytest.mark.parametrize("typed", ["", "hello", "123", "+0123456789", "12345678901234567"])
def test_an_invalid_number_is_reported(typed: str) -> None:
    with pytest.raises(InvalidPhoneNumber, match="not a valid phone number"):
        parse_phone_number(typed)
