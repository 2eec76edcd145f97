"""Spellings of phone numbers."""

import pytest

from ava_profile.phone import CountryMissing, NotAPhoneNumber, to_e164

GERMAN = "+4915112345678"


@pytest.mark.parametrize(
    ("spelling", "region"),
    [
        ("+4915112345678", None),
        ("+49 151 12345678", None),
        ("+49 (0)151 12345678", None),
        ("(+49) 151-123.456.78", None),
        ("0049 151 12345678", None),
        (" 00 49 151 12345678", None),
        ("tel:+49-151-1234-5678", None),
        ("whatsapp:+4915112345678", None),
        ("+49\u00a0151\u200b12345678", None),
        ("＋４９１５１１２３４５６７８", None),
        ("+٤٩١٥١١٢٣٤٥٦٧٨", None),
        ("0151/123 456 78", "DE"),
        ("0151 12345678", "de"),
        ("+49 151 12345678", "US"),
        ("011 49 151 12345678", "US"),
    ],
)
def test_every_usual_spelling_is_the_same_number(spelling: str, region: str | None) -> None:
    assert to_e164(spelling, region) == GERMAN


@pytest.mark.parametrize("spelling", ["151 12345678", "4915112345678", "0151 12345678"])
def test_a_number_without_country_code_asks_for_the_country(spelling: str) -> None:
    with pytest.raises(CountryMissing):
        to_e164(spelling)


def test_an_unknown_region_asks_for_the_country() -> None:
    with pytest.raises(CountryMissing):
        to_e164("0151 12345678", "ZZ")


@pytest.mark.parametrize(
    "spelling",
    ["hello", "", "+", "12", "+1", "+999123456789", "+49123", "+4915112345678 ext. 5", "+1 555 0100"],
)
def test_an_invalid_number_is_refused(spelling: str) -> None:
    with pytest.raises(NotAPhoneNumber):
        to_e164(spelling)


def test_a_number_in_an_unknown_range_is_accepted() -> None:
    assert to_e164("+1 555 010 0001") == "+15550100001"
