"""Spellings of phone numbers."""

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ava_profile.phone import E164, CountryMissing, NotAPhoneNumber, to_e164

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
        ("0049 151 12345678", "US"),
        ("\N{HEAVY PLUS SIGN}49 151 12345678", None),
        ("\ufe624915112345678", None),  # a small plus
        ("\u207a49 151 12345678", None),  # a superscript plus
        ("٠٠٤٩١٥١١٢٣٤٥٦٧٨", None),
        ("۰۰۴۹ 151 12345678", None),
        ("००४९१५११२३४५६७८", None),
        ("００49 151 12345678", None),
        ("\u202a0049 151 12345678\u202c", None),
        ("\u200e004915112345678", None),
        ("\ufeff+49 151\u00ad12345678", None),
        ("4\ufe0f\u20e39\ufe0f\u20e315112345678", None),  # keycaps
        ("(00) 49 151 12345678", None),
        ("00-49-151-12345678", None),
        ("tel:0049-151-12345678", None),
        ("4915112345678", None),
        ("49 151 12345678", "DE"),
        ("49 (151) 123-456-78", "US"),
        ("wa.me/4915112345678", None),
        ("https://wa.me/4915112345678", "US"),
        ("HTTPS://WA.ME/+4915112345678/", None),
        ("https://wa.me/4915112345678?text=Call%20me%20at%201", None),
        ("<https://wa.me/4915112345678>", None),
        ("https://api.whatsapp.com/send?phone=4915112345678", None),
        ("https://api.whatsapp.com/send/?text=Hi%20you&phone=%2B49%20151%2012345678&type=phone_number", None),
        ("https://web.whatsapp.com/send?phone=4915112345678&text=hi", None),
        ("whatsapp://send?phone=4915112345678", None),
        ("whatsapp:4915112345678", None),
        ("https://api.whatsapp.com/send?phone=4915112345678&text=x%26phone%3D4917000000000", None),
        ("https://api.whatsapp.com/send?text=a&phone=4915112345678&text=%3Fphone%3D4917000000000", None),
        ("https://api.whatsapp.com/send?phone=+49%20151%2012345678&phone=4915112345678", None),
        ("https://wa.me/4915112345678?phone=4917000000000", None),
        ("https%3A%2F%2Fwa.me%2F4915112345678", None),
        ("WhatsApp: +49 151 12345678", None),
        ("My number 0151 12345678", "DE"),
    ],
)
def test_every_usual_spelling_is_the_same_number(spelling: str, region: str | None) -> None:
    assert to_e164(spelling, region) == GERMAN


@pytest.mark.parametrize(
    "spelling", ["151 12345678", "0151 12345678", "15512345678", "22997123456", "4930123456"]
)
def test_a_number_without_country_code_asks_for_the_country(spelling: str) -> None:
    with pytest.raises(CountryMissing):
        to_e164(spelling)


@pytest.mark.parametrize(
    "spelling",
    ["l51 1234567", "O151 12345678", "0l51 12345678", "0151 1234_5678", "https://example.com/0151 12345678"],
)
def test_a_word_character_in_place_of_a_digit_is_not_left_out_where_a_region_reads_the_rest(
    spelling: str,
) -> None:
    with pytest.raises(NotAPhoneNumber):
        to_e164(spelling, "DE")


@given(st.integers(0, 15), st.characters(categories=["L", "So", "Sm", "Sc", "Po", "Pc", "Ps", "Pd"]))
@example(1, "O")
def test_no_other_character_stands_for_a_digit_or_is_left_out_for_one(place: int, other: str) -> None:
    typed = "+49 151 12345678"
    if not typed[place].isdigit():
        return
    separators = " ./()[]-\u2010\u2011\u2012\u2013\u2014\u2015\uff0f\uff0e\u2024\u3000\u2212"
    with suppress(NotAPhoneNumber, CountryMissing):
        read = to_e164(typed[:place] + other + typed[place + 1 :])
        # At the end it may be punctuation after a shorter number.
        assert read == "+491511234567" or other in separators or unicodedata.category(other) in ("Pd", "Ps")


def test_an_unknown_region_asks_for_the_country() -> None:
    with pytest.raises(CountryMissing):
        to_e164("0151 12345678", "ZZ")


@pytest.mark.parametrize(
    "spelling",
    [
        *("hello", "", "+", "12", "+1", "+999123456789", "+49123", "+4915112345678 ext. 5", "+1 555 0100"),
        "+49 151 1234 56O8",
        "+49 151 1234 56\u041e8",  # Cyrillic
        "+49 151 1234 56o",
        "+49 l51 12345678",
        "+49 151 ****5678",
        "+49 151 1234567\u2026",
        "+49 151 123\u202645678",
        "+49 151 1234 ---- 5678",
        "+49 151 12345678 or 9",
        "+1-800-FLOWERS",
    ],
)
def test_an_invalid_number_is_refused(spelling: str) -> None:
    with pytest.raises(NotAPhoneNumber):
        to_e164(spelling)


@pytest.mark.parametrize(
    ("spelling", "region", "today"),
    [
        ("+5215512340099", None, "+525512340099"),
        ("+52 1 55 1234 0099", None, "+525512340099"),
        ("0052 1 55 1234 0099", None, "+525512340099"),
        ("521 55 1234 0099", None, "+525512340099"),
        ("1 55 1234 0099", "MX", "+525512340099"),
        ("044 55 1234 0099", "MX", "+525512340099"),
        ("045 55 1234 0099", "MX", "+525512340099"),
        ("55 1234 0099", "MX", "+525512340099"),
        ("https://wa.me/5215512340099", None, "+525512340099"),
        ("+229 97 12 34 56", None, "+2290197123456"),
        ("+229 01 97 12 34 56", None, "+2290197123456"),
        ("97 12 34 56", "BJ", "+2290197123456"),
        ("wa.me/22997123456", None, "+2290197123456"),
        ("+225 07 12 34 56", None, "+2250707123456"),
        ("07 12 34 56", "CI", "+2250707123456"),
        ("+225 07 07 12 34 56", None, "+2250707123456"),
        ("+55 11 8765-4321", None, "+5511987654321"),
        ("+55 11 98765-4321", None, "+5511987654321"),
        ("+54 9 11 2345-6789", None, "+5491123456789"),
        ("+54 11 2345-6789", None, "+541123456789"),  # may be the landline of another person
    ],
)
def test_a_number_is_kept_as_it_is_dialled_today(spelling: str, region: str | None, today: str) -> None:
    assert to_e164(spelling, region) == today


@pytest.mark.parametrize(
    "link",
    [
        "https://wa.me/message/ABC4915112345678",
        "wa.me/qr/4915112345678",
        "wa.me/",
        "https://wa.me/4915112345678x",
        "https://api.whatsapp.com/send?text=4915112345678",
        "https://wa.me/12",
        "https://wa.me/4915112345678%3Fphone%3D4917000000000",
        "https://api.whatsapp.com/send?phone=4915112345678&text=x&phone=4917000000000",
        "https://api.whatsapp.com/send?text=x%26phone%3D4917000000000",
        "https://chat.whatsapp.com/A4915112345678",
        "https://wa.me/49151123456O8",
    ],
)
def test_a_link_without_one_number_is_refused(link: str) -> None:
    with pytest.raises(NotAPhoneNumber):
        to_e164(link)


@given(st.text(max_size=60), st.sampled_from([None, "DE", "MX", "zz"]))
def test_any_text_is_a_number_or_refused(text: str, region: str | None) -> None:
    with suppress(NotAPhoneNumber, CountryMissing):
        assert E164.fullmatch(to_e164(text, region))


@given(st.from_regex(r"\+?[0-9]{6,15}", fullmatch=True))
@example("+62006140490")
@example("+35300863576617")
def test_what_is_kept_is_understood_as_itself(text: str) -> None:
    try:
        kept = to_e164(text)
    except (NotAPhoneNumber, CountryMissing):
        return
    assert to_e164(kept) == to_e164(f"https://wa.me/{kept[1:]}") == kept


def test_a_number_in_an_unknown_range_is_accepted() -> None:
    assert to_e164("+1 555 010 0001") == "+15550100001"
